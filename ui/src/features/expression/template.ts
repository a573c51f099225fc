/** How an expression is written into the document: a text that is exactly one `{% … %}`. */

const WHOLE = /^\s*\{%((?:(?!%\})[\s\S])*)%\}\s*$/;

/** A stored text, whether it is kept as one string or as an array of lines. */
export function textOf(value: unknown): string {
  if (typeof value === "string") {
    return value;
  }
  if (Array.isArray(value) && value.every((line) => typeof line === "string")) {
    return value.join("\n");
  }
  return "";
}

/** The source between `{%` and `%}` if the value is exactly one expression, else `null`. */
export function expressionSource(value: unknown): string | null {
  const found = WHOLE.exec(textOf(value));
  return found?.[1] === undefined ? null : found[1].trim();
}

/** Whether the value is exactly one expression. */
export function isExpression(value: unknown): boolean {
  return expressionSource(value) !== null;
}

/** `source` as it is stored. */
export function asExpression(source: string): string {
  const trimmed = source.trim();
  return trimmed === "" ? "{% %}" : `{% ${trimmed} %}`;
}

/** A multi-line text as it is stored: one line as a string, more as an array so that diffs are line diffs. */
export function asLines(text: string): string | string[] {
  return text.includes("\n") ? text.split("\n") : text;
}
