/** A JSON Schema as a list of questions, with defaults and checks. */

export type QuestionType =
  | "text"
  | "lines"
  | "number"
  | "integer"
  | "boolean"
  | "choice"
  | "date"
  | "date-time"
  | "strings"
  | "json";

export interface SchemaQuestion {
  name: string;
  label: string;
  help?: string;
  type: QuestionType;
  required: boolean;
  options?: { value: string; label: string; raw: unknown }[];
  default?: unknown;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  /** `array` or `object`, for `json`. */
  shape?: string;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function typeOf(schema: Record<string, unknown>): string {
  const type = schema.type;
  return Array.isArray(type) ? String(type.find((one) => one !== "null") ?? "") : String(type ?? "");
}

function questionType(schema: Record<string, unknown>): QuestionType {
  if (Array.isArray(schema.enum)) {
    return "choice";
  }
  switch (typeOf(schema)) {
    case "string":
      if (schema.format === "date") {
        return "date";
      }
      if (schema.format === "date-time") {
        return "date-time";
      }
      return schema.format === "lines" || (typeof schema.maxLength === "number" && schema.maxLength > 200)
        ? "lines"
        : "text";
    case "number":
      return "number";
    case "integer":
      return "integer";
    case "boolean":
      return "boolean";
    case "array":
      return isRecord(schema.items) && typeOf(schema.items) === "string" && !schema.items.enum
        ? "strings"
        : "json";
    default:
      return "json";
  }
}

/** A name for people: `min_rows` becomes `Min rows`. */
export function humanize(name: string): string {
  const spaced = name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replace(/[_-]+/g, " ")
    .trim()
    .toLowerCase();
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

/** The questions of an object schema, in order; empty if it asks nothing. */
export function questionsOf(schema: unknown): SchemaQuestion[] {
  if (!isRecord(schema) || !isRecord(schema.properties)) {
    return [];
  }
  const required = new Set(Array.isArray(schema.required) ? schema.required : []);
  return Object.entries(schema.properties).map(([name, raw]) => {
    const property = isRecord(raw) ? raw : {};
    const type = questionType(property);
    const number = (key: string) =>
      typeof property[key] === "number" ? { [key]: property[key] as number } : {};
    return {
      name,
      label: typeof property.title === "string" ? property.title : humanize(name),
      ...(typeof property.description === "string" ? { help: property.description } : {}),
      type,
      required: required.has(name),
      ...(property.default === undefined ? {} : { default: property.default }),
      ...(Array.isArray(property.enum)
        ? { options: property.enum.map((one) => ({ value: String(one), label: String(one), raw: one })) }
        : {}),
      ...number("minimum"),
      ...number("maximum"),
      ...number("minLength"),
      ...number("maxLength"),
      ...(typeof property.pattern === "string" ? { pattern: property.pattern } : {}),
      ...(type === "json" ? { shape: typeOf(property) } : {}),
    };
  });
}

/** What the form shows at first. JSON answers are kept as text while they are edited. */
export function firstAnswers(questions: readonly SchemaQuestion[], given?: unknown): Record<string, unknown> {
  const known = isRecord(given) ? given : {};
  return Object.fromEntries(
    questions.flatMap((question) => {
      const value =
        known[question.name] ??
        question.default ??
        (question.type === "boolean" && question.required ? false : undefined);
      return value === undefined
        ? []
        : [[question.name, question.type === "json" ? JSON.stringify(value, null, 2) : value]];
    }),
  );
}

function problemOf(question: SchemaQuestion, value: unknown): string | null {
  if (
    value === undefined ||
    value === "" ||
    (Array.isArray(value) && value.length === 0 && question.required)
  ) {
    return question.required ? "this is needed" : null;
  }
  switch (question.type) {
    case "number":
    case "integer": {
      if (typeof value !== "number" || !Number.isFinite(value)) {
        return "write a number";
      }
      if (question.type === "integer" && !Number.isInteger(value)) {
        return "write a whole number";
      }
      if (question.minimum !== undefined && value < question.minimum) {
        return `at least ${question.minimum}`;
      }
      return question.maximum !== undefined && value > question.maximum
        ? `at most ${question.maximum}`
        : null;
    }
    case "date":
      return /^\d{4}-\d{2}-\d{2}$/.test(String(value)) && !Number.isNaN(Date.parse(String(value)))
        ? null
        : "write a date such as 2026-12-24";
    case "date-time":
      return Number.isNaN(Date.parse(String(value))) ? "write an instant such as 2026-12-24T18:00:00Z" : null;
    case "json": {
      try {
        const parsed: unknown = JSON.parse(String(value));
        if (question.shape === "array" && !Array.isArray(parsed)) {
          return "write a list: [ … ]";
        }
        return question.shape === "object" && !isRecord(parsed) ? "write an object: { … }" : null;
      } catch (error) {
        return `not JSON yet: ${error instanceof Error ? error.message : String(error)}`;
      }
    }
    case "text":
    case "lines": {
      const text = String(value);
      if (question.minLength !== undefined && text.length < question.minLength) {
        return `at least ${question.minLength} characters`;
      }
      if (question.maxLength !== undefined && text.length > question.maxLength) {
        return `at most ${question.maxLength} characters`;
      }
      return matches(question.pattern, text) ? null : `does not match \`${question.pattern}\``;
    }
    default:
      return null;
  }
}

/** A pattern that this engine cannot read is left to the core, which checks again. */
function matches(pattern: string | undefined, text: string): boolean {
  if (pattern === undefined) {
    return true;
  }
  try {
    return new RegExp(pattern, "u").test(text);
  } catch {
    return true;
  }
}

/** What is wrong, by name. Empty: it can be sent. */
export function problemsOf(
  questions: readonly SchemaQuestion[],
  answers: Record<string, unknown>,
): Record<string, string> {
  return Object.fromEntries(
    questions.flatMap((question) => {
      const problem = problemOf(question, answers[question.name]);
      return problem === null ? [] : [[question.name, problem]];
    }),
  );
}

/** The answers as the JSON that is sent. */
export function toInput(
  questions: readonly SchemaQuestion[],
  answers: Record<string, unknown>,
): Record<string, unknown> {
  return Object.fromEntries(
    questions.flatMap((question) => {
      const value = answers[question.name];
      if (value === undefined || value === "") {
        return [];
      }
      return [[question.name, question.type === "json" ? (JSON.parse(String(value)) as unknown) : value]];
    }),
  );
}
