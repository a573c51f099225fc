/** What can be written next in an expression. */
import { FUNCTIONS } from "./functions";
import type { ExpressionScope } from "./scope";

export interface Suggestion {
  label: string;
  /** What is inserted, if not the label. */
  insert?: string;
  kind: "step" | "field" | "name" | "function";
  detail: string;
  help?: string;
}

const PLAIN = /^[A-Za-z_][A-Za-z0-9_]*$/;
const quoted = (name: string) => (PLAIN.test(name) ? name : `\`${name}\``);

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function brief(value: unknown): string {
  if (Array.isArray(value)) {
    return `list of ${value.length}`;
  }
  if (isRecord(value)) {
    return value.$type === "table" ? `table, ${String(value.rows)} rows` : "object";
  }
  const text = JSON.stringify(value) ?? "";
  return text.length > 24 ? `${text.slice(0, 23)}…` : text;
}

function keysOf(value: unknown): [string, unknown][] {
  if (Array.isArray(value)) {
    return keysOf(value.find(isRecord));
  }
  return isRecord(value)
    ? Object.entries(value).filter(([name]) => name !== "$type" && name !== "artifact")
    : [];
}

function dig(value: unknown, path: string[]): unknown {
  return path.reduce<unknown>((at, key) => keysOf(at).find(([name]) => name === key)?.[1], value);
}

interface SchemaNode {
  properties?: Record<string, SchemaNode>;
  items?: SchemaNode;
  type?: string;
  title?: string;
  description?: string;
}

function digSchema(schema: unknown, path: string[]): SchemaNode | undefined {
  return path.reduce<SchemaNode | undefined>(
    (at, key) => (at?.properties ?? at?.items?.properties)?.[key],
    schema as SchemaNode | undefined,
  );
}

function members(scope: ExpressionScope, path: string[]): Suggestion[] {
  const [root, ...rest] = path;
  const found = new Map<string, Suggestion>();
  const put = (name: string, suggestion: Omit<Suggestion, "label">) => {
    if (!found.has(name)) {
      const insert = quoted(name);
      found.set(name, { label: name, ...(insert === name ? {} : { insert }), ...suggestion });
    }
  };
  if (root === "steps") {
    const [id, ...deeper] = rest;
    if (id === undefined) {
      for (const step of scope.steps) {
        put(step.id, { kind: "step", detail: step.title });
      }
    } else {
      const step = scope.steps.find((entry) => entry.id === id);
      for (const [name, value] of keysOf(dig(step?.output, deeper))) {
        put(name, { kind: "field", detail: brief(value) });
      }
      for (const [name, about] of deeper.length === 0 ? (step?.fields ?? []) : []) {
        put(name, { kind: "field", detail: about });
      }
    }
  } else if (root === "input") {
    const node = digSchema(scope.inputSchema, rest);
    for (const [name, property] of Object.entries(node?.properties ?? node?.items?.properties ?? {})) {
      put(name, {
        kind: "field",
        detail: property.title ?? property.type ?? "",
        ...(property.description ? { help: property.description } : {}),
      });
    }
    for (const [name, value] of keysOf(dig(scope.values.input, rest))) {
      put(name, { kind: "field", detail: brief(value) });
    }
  } else if (root === "run" && rest.length === 0) {
    put("id", { kind: "field", detail: "id of the run" });
    put("number", { kind: "field", detail: "number of the run" });
    put("startedAt", { kind: "field", detail: "when it began" });
  } else if (root === "error" && rest.length === 0) {
    put("code", { kind: "field", detail: "stable name of the error" });
    put("message", { kind: "field", detail: "what happened" });
    put("step", { kind: "field", detail: "where it happened" });
  } else if (root !== undefined) {
    for (const [name, value] of keysOf(dig(scope.values[root], rest))) {
      put(name, { kind: "field", detail: brief(value) });
    }
  }
  return [...found.values()];
}

export interface Completions {
  /** Where the replaced word begins. */
  from: number;
  options: Suggestion[];
}

/** What fits behind `text` (the source up to the cursor). */
export function complete(text: string, scope: ExpressionScope, explicit: boolean): Completions | null {
  const word = /(?:\$?[A-Za-z_][\w]*|`[^`]*`?|\$)?$/.exec(text)?.[0] ?? "";
  const from = text.length - word.length;
  const path = /((?:[A-Za-z_]\w*|`[^`]*`)(?:\[[^\]]*\])?\.)+$/.exec(text.slice(0, from))?.[0];
  if (path !== undefined) {
    const names = path
      .slice(0, -1)
      .split(".")
      .map((part) => part.replace(/\[[^\]]*\]$/, "").replaceAll("`", ""));
    const options = members(scope, names);
    return options.length > 0 ? { from, options } : null;
  }
  if (word === "" && !explicit) {
    return null;
  }
  if (/[\w"'\])]\s*$/.test(text.slice(0, from)) && word === "" && !explicit) {
    return null;
  }
  const functions: Suggestion[] = FUNCTIONS.map((entry) => ({
    label: `$${entry.name}`,
    insert: `$${entry.name}(`,
    kind: "function",
    detail: entry.signature.slice(entry.name.length + 1),
    help: entry.help,
  }));
  if (word.startsWith("$")) {
    return { from, options: functions };
  }
  const names: Suggestion[] = [
    ...scope.names.map<Suggestion>((entry) => ({ label: entry.name, kind: "name", detail: entry.help })),
    ...(scope.steps.length > 0
      ? [{ label: "steps", insert: "steps.", kind: "name" as const, detail: "outputs of earlier steps" }]
      : []),
    ...scope.steps.map<Suggestion>((step) => ({
      label: `steps.${step.id}`,
      kind: "step",
      detail: step.title,
    })),
  ];
  return { from, options: [...names, ...functions] };
}
