/** The forms of what every step has, in the words of the same form language. */
import type { Field } from "../../bindings/Field";
import type { Widget } from "../../bindings/Widget";

function field(name: string, widget: Widget, label: string, more: Partial<Field> = {}): Field {
  return { name, widget, label, required: false, expression: false, secret: false, scope: [], ...more };
}

export const RETRY_FIELDS: readonly Field[] = [
  field("attempts", "number", "Attempts in all", {
    placeholder: "1",
    min: 1,
    help: "The first one counts. There is no upper limit.",
  }),
  field("first", "duration", "First wait", { default: "1s" }),
  field("factor", "number", "Then times", { default: 2, min: 1 }),
  field("max", "duration", "Longest wait", { default: "5m" }),
  field("jitter", "number", "Share left to chance", {
    default: 0,
    min: 0,
    max: 1,
    help: "From 0 to 1. Keeps many runs from trying at the same moment.",
  }),
  field("when", "condition", "Only if", {
    expression: true,
    placeholder: "error.code",
    scope: ["error", "output", "attempt"],
    help: "Sees `error` after a failure, `output` after a success that may still be repeated. Empty: after every failure.",
  }),
];

export const TIMEOUT_FIELD: Field = field("timeout", "duration", "One attempt may take", {
  placeholder: "5m",
  help: "A longer attempt fails with the code `timeout`, and is repeated if attempts are left.",
});

export const EDGE_WHEN: Field = field("when", "condition", "Only if", {
  expression: true,
  placeholder: "steps.load.rows",
  help: "The edge is taken only if this is true. Empty: always.",
});

export const RUN_TIMEOUT: Field = field("timeout", "duration", "A run may take", { placeholder: "2h" });

/** Budgets of a run; empty means as the settings say. */
export const LIMIT_FIELDS: readonly Field[] = [
  field("steps", "number", "Steps started", {
    placeholder: "100000",
    min: 1,
    help: "Beyond each of these a run pauses and asks; nothing is lost. Empty: as the settings say.",
  }),
  field("iterations", "number", "Iterations of a loop", { placeholder: "100000", min: 1 }),
  field("inFlight", "number", "Iterations in flight", {
    placeholder: "64",
    min: 1,
    help: "A window, not a pause: the others wait for their turn.",
  }),
  field("depth", "number", "Sub-workflows below one another", { placeholder: "32", min: 1 }),
  field("payload", "text", "One value", { placeholder: "256 MB" }),
  field("runPayload", "text", "All values and tables", { placeholder: "4 GB" }),
  field("memory", "text", "Values in memory", { placeholder: "128 MB" }),
  field("wallTime", "duration", "Time since the start", {
    placeholder: "no limit",
    help: "The run pauses then. “A run may take” above ends it.",
  }),
];

export const RESOURCE_FIELD: Field = field("resource", "text", "Resource", {
  placeholder: "erp",
  help: "A name for what this step uses. The limits in the settings say how many steps may use it at a time, and how often.",
});

export const INPUT_FIELD: Field = field("input", "schema", "Input", {
  help: "What a run asks for when it is started. Expressions see it as `input`.",
});

export const PIN_FIELD: Field = field("pin", "json", "Output", {
  help: "Used instead of running the step, while designing.",
  placeholder: '{ "rows": 3 }',
});

export const SCHEDULE_FIELDS: readonly Field[] = [
  field("cron", "text", "When", {
    required: true,
    placeholder: "0 6 * * 1-5",
    help: "Minute, hour, day, month, weekday: `0 6 * * 1-5` is 6:00 on weekdays.",
  }),
  field("timeZone", "text", "Time zone", { placeholder: "Europe/Berlin" }),
  field("missed", "select", "Missed starts", {
    default: "last",
    options: [
      { value: "last", label: "Start once" },
      { value: "all", label: "Start each" },
      { value: "skip", label: "Leave out" },
    ],
  }),
];

export const FILE_TRIGGER_FIELDS: readonly Field[] = [
  field("folder", "text", "Folder", {
    required: true,
    placeholder: "inbox",
    help: "Below the folder of the workflow.",
  }),
  field("pattern", "text", "Names", {
    placeholder: "*.csv",
    help: "`*`, `?`, `[a-z]`, `{csv,txt}`; with a `/` it is about paths, `**` means any folders. Empty: all files.",
  }),
  field("recursive", "switch", "Folders in it count too", { default: false }),
  field("stableFor", "duration", "Finished after", {
    default: "2s",
    help: "So long size and time of a file must not have changed.",
  }),
  field("existing", "select", "Files that are there", {
    default: "skip",
    options: [
      { value: "skip", label: "Leave out" },
      { value: "fire", label: "Start with each" },
    ],
  }),
];

export const WEBHOOK_FIELDS: readonly Field[] = [
  field("path", "text", "Address", { placeholder: "orders", help: "It is called at `/hooks/` and this." }),
  field("secret", "text", "Secret", {
    required: true,
    secret: true,
    placeholder: "shop-hook",
    help: "The name of a secret that the sender knows.",
  }),
  field("auth", "select", "Proof", {
    default: "hmac",
    options: [
      { value: "hmac", label: "Signature over time and body" },
      { value: "header", label: "The secret in a header" },
    ],
  }),
  field("header", "text", "Header of the proof", { placeholder: "X-Baton-Signature" }),
  field("idHeader", "text", "Header of the delivery id", { placeholder: "Idempotency-Key" }),
  field("headers", "strings", "Headers that become data"),
  field("perMinute", "number", "Requests a minute", { default: 600, min: 1, max: 60_000 }),
];

export const FINISHED_FIELDS: readonly Field[] = [
  field("workflow", "workflow", "After", { required: true }),
  field("outcome", "text", "Only with outcome", { placeholder: "published" }),
];
