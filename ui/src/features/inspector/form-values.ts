/** Reading and writing the values of a form. */
import type { Field } from "../../bindings/Field";

export type Values = Record<string, unknown>;

export function isRecord(value: unknown): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Whether a field is shown, given the other values of the same object. */
export function isVisible(field: Field, fields: readonly Field[], values: Values): boolean {
  const rule = field.visibleWhen;
  if (!rule) {
    return true;
  }
  const value = values[rule.field];
  if (value !== undefined) {
    return rule.is.some((one) => isSame(one, value));
  }
  const standard = fields.find((one) => one.name === rule.field)?.default;
  return rule.is.some((one) => one === null || (standard !== undefined && isSame(one, standard)));
}

/** `values` with one key set, or without it. Other keys keep their place. */
export function withValue(values: Values, name: string, value: unknown): Values {
  if (value === undefined) {
    const { [name]: _gone, ...rest } = values;
    return rest;
  }
  return { ...values, [name]: value };
}

export interface FieldGroup {
  title: string | null;
  fields: Field[];
}

/** Fields in order, those of a group together where the first of them stands. */
export function groupsOf(fields: readonly Field[]): FieldGroup[] {
  const groups: FieldGroup[] = [];
  for (const field of fields) {
    const title = field.group ?? null;
    const last = groups.at(-1);
    const known =
      title === null ? (last?.title === null ? last : undefined) : groups.find((one) => one.title === title);
    if (known) {
      known.fields.push(field);
    } else {
      groups.push({ title, fields: [field] });
    }
  }
  return groups;
}

/** A few words about an object of a list. */
export function summarize(fields: readonly Field[], value: unknown): string {
  if (!isRecord(value)) {
    return value === undefined ? "" : JSON.stringify(value);
  }
  const words = fields.flatMap((field) => {
    const part = value[field.name];
    if (part === undefined || part === "" || typeof part === "boolean") {
      return [];
    }
    if (Array.isArray(part)) {
      return part.length > 0
        ? [part.map((one) => (typeof one === "object" ? "…" : String(one))).join(", ")]
        : [];
    }
    if (isRecord(part)) {
      return Object.keys(part).length > 0 ? [Object.keys(part).join(", ")] : [];
    }
    const choice = field.options?.find((one) => one.value === part)?.label;
    return [choice ?? String(part).replace(/^\{%\s*|\s*%\}$/g, "")];
  });
  return words.slice(0, 3).join(" · ");
}
