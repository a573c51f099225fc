/** The forms of what every step has, in the words of the same form language. */
import type { Field } from "../../bindings/Field";
import type { Widget } from "../../bindings/Widget";

export function field(name: string, widget: Widget, label: string, more: Partial<Field> = {}): Field {
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
