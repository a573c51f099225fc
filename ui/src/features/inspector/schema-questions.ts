/** Reading and writing the questions of a JSON Schema, without losing what the editor does not know. */
import { isRecord } from "./form-values";

export type AskedType =
  | "text"
  | "lines"
  | "number"
  | "integer"
  | "boolean"
  | "choice"
  | "date"
  | "strings"
  | "json";

export interface Asked {
  name: string;
  title: string;
  type: AskedType;
  required: boolean;
  /** The default, as it is typed. */
  standard: string;
  description: string;
  choices: string[];
  /** Everything else that the property says. */
  rest: Record<string, unknown>;
}

export const ASKED_TYPES: readonly { value: AskedType; label: string }[] = [
  { value: "text", label: "Text" },
  { value: "lines", label: "Long text" },
  { value: "number", label: "Number" },
  { value: "integer", label: "Whole number" },
  { value: "boolean", label: "Yes or no" },
  { value: "choice", label: "Choice" },
  { value: "date", label: "Date" },
  { value: "strings", label: "List of texts" },
  { value: "json", label: "JSON" },
];

function typeOf(property: Record<string, unknown>): AskedType {
  if (Array.isArray(property.enum)) {
    return "choice";
  }
  switch (property.type) {
    case "string":
      return property.format === "date" ? "date" : property.format === "lines" ? "lines" : "text";
    case "number":
    case "integer":
    case "boolean":
      return property.type;
    case "array":
      return isRecord(property.items) && property.items.type === "string" ? "strings" : "json";
    default:
      return "json";
  }
}

/** What the type says in a schema. `json` says nothing, so what stands there stays. */
const WRITTEN: Record<AskedType, Record<string, unknown>> = {
  text: { type: "string" },
  lines: { type: "string", format: "lines" },
  number: { type: "number" },
  integer: { type: "integer" },
  boolean: { type: "boolean" },
  choice: {},
  date: { type: "string", format: "date" },
  strings: { type: "array", items: { type: "string" } },
  json: {},
};

/** The questions; `null` if it is no object schema, so that only JSON can show it. */
export function readSchema(schema: unknown): Asked[] | null {
  if (schema === undefined || (isRecord(schema) && Object.keys(schema).length === 0)) {
    return [];
  }
  if (!isRecord(schema) || (schema.type !== undefined && schema.type !== "object")) {
    return null;
  }
  const properties = schema.properties ?? {};
  if (!isRecord(properties) || !Object.values(properties).every(isRecord)) {
    return null;
  }
  const required = Array.isArray(schema.required) ? schema.required : [];
  return Object.entries(properties as Record<string, Record<string, unknown>>).map(([name, property]) => {
    const { title, description, default: standard, enum: choices, ...rest } = property;
    const type = typeOf(property);
    return {
      name,
      title: typeof title === "string" ? title : "",
      type,
      required: required.includes(name),
      standard:
        standard === undefined ? "" : typeof standard === "string" ? standard : JSON.stringify(standard),
      description: typeof description === "string" ? description : "",
      choices: Array.isArray(choices) ? choices.map(String) : [],
      rest,
    };
  });
}

function defaultOf(question: Asked): unknown {
  const text = question.standard;
  if (text === "") {
    return undefined;
  }
  if (
    question.type === "text" ||
    question.type === "lines" ||
    question.type === "date" ||
    question.type === "choice"
  ) {
    return text;
  }
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return question.type === "strings" ? text.split(/\s*,\s*/) : text;
  }
}

/** The schema that asks `questions`; what `before` says besides stays. */
export function printSchema(
  before: Record<string, unknown> | undefined,
  questions: readonly Asked[],
): Record<string, unknown> | undefined {
  const { type: _type, properties: _properties, required: _required, ...rest } = before ?? {};
  if (questions.length === 0 && Object.keys(rest).length === 0) {
    return undefined;
  }
  const required = questions.filter((question) => question.required).map((question) => question.name);
  return {
    type: "object",
    ...rest,
    properties: Object.fromEntries(
      questions.map((question) => {
        const standard = defaultOf(question);
        const { type: oldType, format, items, ...others } = question.rest;
        const keepsOld = question.type === "json" || question.type === "choice";
        const numbers = question.type === "number" || question.type === "integer";
        const { minimum, maximum, ...unbounded } = others;
        return [
          question.name,
          {
            ...(keepsOld && oldType !== undefined && (question.type === "json" || question.choices.length > 0)
              ? { type: oldType }
              : {}),
            ...(question.type === "json" && format !== undefined ? { format } : {}),
            ...(question.type === "json" && items !== undefined ? { items } : {}),
            ...WRITTEN[question.type],
            ...(question.title ? { title: question.title } : {}),
            ...(question.description ? { description: question.description } : {}),
            ...(question.type === "choice" ? { enum: question.choices } : {}),
            ...(standard === undefined ? {} : { default: standard }),
            ...unbounded,
            ...(numbers && minimum !== undefined ? { minimum } : {}),
            ...(numbers && maximum !== undefined ? { maximum } : {}),
          },
        ];
      }),
    ),
    ...(required.length > 0 ? { required } : {}),
  };
}
