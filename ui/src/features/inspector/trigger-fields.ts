/** The forms of triggers, in the words of the same form language as those of steps. */
import type { Field } from "../../bindings/Field";
import { field } from "./simple-fields";

/** Where this machine is; a new schedule means its clock. */
export const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

const ZONES = [...new Set([HERE, "UTC", ...Intl.supportedValuesOf("timeZone")])].map((zone) => ({
  value: zone,
  label: zone,
}));

/** Schedules that people ask for; each is a beginning to change. */
const USUAL = [
  { value: "0 6 * * 1-5", label: "Every weekday at 06:00" },
  { value: "0 6 * * *", label: "Every day at 06:00" },
  { value: "0 * * * *", label: "Every hour" },
  { value: "*/15 * * * *", label: "Every 15 minutes" },
  { value: "0 8 * * 1", label: "Every Monday at 08:00" },
  { value: "0 6 1 * *", label: "On the 1st of the month at 06:00" },
  { value: "0 18 L * *", label: "On the last day of the month at 18:00" },
];

/** A schedule says when in one of three ways. */
export type Shape = "cron" | "every" | "dates";

export const SHAPES: readonly { value: Shape; label: string }[] = [
  { value: "cron", label: "Clock" },
  { value: "every", label: "Interval" },
  { value: "dates", label: "Dates" },
];

/** The settings of each way; those of the others go when it is chosen. */
export const SHAPE_FIELDS: Record<Shape, readonly Field[]> = {
  cron: [
    field("cron", "text", "When", {
      required: true,
      placeholder: "0 6 * * 1-5",
      options: USUAL,
      help: "Minute, hour, day, month, weekday: `0 6 * * 1-5` is 6:00 on weekdays.",
    }),
  ],
  every: [
    field("every", "duration", "Every", { required: true, placeholder: "15m" }),
    field("anchor", "text", "Counted from", {
      placeholder: "2026-01-01T00:00",
      help: "A date and time. Empty: from a Monday at midnight, so that `15m` means the quarters of the hour.",
    }),
  ],
  dates: [
    field("dates", "strings", "Dates", {
      required: true,
      placeholder: "2026-12-24T18:00",
      help: "Dates with times, in the time zone below.",
    }),
  ],
};

/** What a trigger starts; without a word about it, each kind does what fits it. */
const starts = (overlap: "skip" | "queue" | "allow"): readonly Field[] => [
  field("overlap", "select", "If its last run is not over", {
    default: overlap,
    options: [
      { value: "skip", label: "Do not start" },
      { value: "queue", label: "Start afterwards" },
      { value: "allow", label: "Start side by side" },
      { value: "cancel", label: "Stop that run, then start" },
    ],
    group: "What it starts",
  }),
  field("input", "json", "Input of the run", {
    placeholder: '{ "file": "{% trigger.payload.path %}" }',
    help: "Expressions see `trigger`: what came with it (`trigger.payload`), when (`trigger.at`), and its id.",
    group: "What it starts",
  }),
];

const MISSED: readonly Field[] = [
  field("timeZone", "text", "Time zone", { default: "UTC", options: ZONES }),
  field("missed", "select", "If Baton was off at that time", {
    default: "last",
    options: [
      { value: "last", label: "Catch up once" },
      { value: "all", label: "Catch up each" },
      { value: "skip", label: "Leave it out" },
    ],
  }),
  field("atMost", "number", "How many at most", {
    default: 1,
    min: 1,
    visibleWhen: { field: "missed", is: ["all"] },
  }),
  field("within", "duration", "Not older than", {
    placeholder: "24h",
    visibleWhen: { field: "missed", is: ["all", "last"] },
  }),
];

const FILE: readonly Field[] = [
  field("folder", "text", "Folder", {
    required: true,
    placeholder: "inbox",
    help: "Below the folder that the workflow works in.",
  }),
  field("pattern", "text", "Names", {
    placeholder: "*.csv",
    help: "`*`, `?`, `[a-z]`, `{csv,txt}`; with a `/` it is about paths, `**` means any folders. Empty: every file.",
  }),
  field("recursive", "switch", "Folders inside as well", { default: false }),
  field("events", "select", "Starts for", {
    default: "both",
    options: [
      { value: "both", label: "New and changed files" },
      { value: "new", label: "New files" },
      { value: "changed", label: "Changed files" },
    ],
  }),
  field("stableFor", "duration", "Untouched for", {
    default: "2s",
    help: "A file that is still being written is left alone.",
    group: "Details",
  }),
  field("poll", "duration", "Looks again every", { default: "10s", group: "Details" }),
  field("existing", "select", "Files that are there already", {
    default: "skip",
    options: [
      { value: "skip", label: "Leave out" },
      { value: "fire", label: "Start for each" },
    ],
    group: "Details",
  }),
];

const WEBHOOK: readonly Field[] = [
  field("path", "text", "Path", {
    placeholder: "orders",
    help: "The end of the address, `/hooks/orders`. Empty: the id of the trigger.",
  }),
  field("secret", "text", "Secret", {
    required: true,
    secret: true,
    placeholder: "orders_hook",
    help: "The name of the secret that the sender knows; never the secret itself.",
  }),
  field("auth", "select", "The sender proves it by", {
    default: "hmac",
    options: [
      { value: "hmac", label: "A signature over time and body" },
      { value: "header", label: "The secret in a header" },
    ],
  }),
  field("header", "text", "Header", { placeholder: "X-Baton-Signature", group: "Details" }),
  field("timestampHeader", "text", "Header with the time", {
    placeholder: "X-Baton-Timestamp",
    group: "Details",
    visibleWhen: { field: "auth", is: ["hmac", null] },
  }),
  field("idHeader", "text", "Header with the id of the request", {
    placeholder: "Idempotency-Key",
    group: "Details",
    help: "The same id starts one run, however often it is sent.",
  }),
  field("headers", "strings", "Headers that the run sees", { group: "Details" }),
  field("maxBytes", "number", "Largest body, in bytes", { default: 1_048_576, min: 1, group: "Limits" }),
  field("perMinute", "number", "Starts a minute", { default: 600, min: 1, group: "Limits" }),
  field("maxWaiting", "number", "May wait at most", { default: 1_000, min: 1, group: "Limits" }),
];

const FINISHED: readonly Field[] = [
  field("workflow", "text", "After the workflow", {
    required: true,
    placeholder: "airports",
    help: "Its id.",
  }),
  field("outcome", "strings", "Only if it ended", {
    placeholder: "succeeded",
    help: "`succeeded`, `failed`, `cancelled`, or the name of an outcome. Empty: however it ends.",
  }),
];

/** The settings of each kind besides those that say when. */
export const TRIGGER_FIELDS: Record<string, readonly Field[]> = {
  manual: starts("allow"),
  schedule: [...MISSED, ...starts("skip")],
  file: [...FILE, ...starts("queue")],
  webhook: [...WEBHOOK, ...starts("allow")],
  workflow_finished: [...FINISHED, ...starts("queue")],
};
