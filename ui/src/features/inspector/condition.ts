/** Conditions that read as sentences: comparisons joined by `and` or by `or`. */

export interface Comparison {
  left: string;
  operator: string;
  /** As it is written: `100`, `"gold"`, `steps.other.rows`. */
  right: string;
}

export interface Simple {
  rows: Comparison[];
  /** Joined by `and`; otherwise by `or`. */
  all: boolean;
}

export const OPERATORS: readonly { value: string; label: string; isUnary?: boolean }[] = [
  { value: "=", label: "is" },
  { value: "!=", label: "is not" },
  { value: ">", label: "is greater than" },
  { value: ">=", label: "is at least" },
  { value: "<", label: "is less than" },
  { value: "<=", label: "is at most" },
  { value: "in", label: "is one of" },
  { value: "true", label: "is true", isUnary: true },
  { value: "false", label: "is not true", isUnary: true },
];

const PATH = String.raw`[A-Za-z_$][\w$]*(?:\.[A-Za-z_][\w]*|\.\x60[^\x60]+\x60|\[\d+\])*`;
const LITERAL = String.raw`-?\d+(?:\.\d+)?|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|true|false|null|\[[^\[\]()]*\]`;
const COMPARE = new RegExp(`^(${PATH})\\s*(!=|>=|<=|=|>|<|\\bin\\b)\\s*(${LITERAL}|${PATH})$`);
const TRUE = new RegExp(`^(${PATH})$`);
const FALSE = new RegExp(`^\\$not\\(\\s*(${PATH})\\s*\\)$`);

/** Splits at a word outside quotes and brackets. */
function splitAt(source: string, word: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let quote = "";
  let start = 0;
  for (let at = 0; at < source.length; at += 1) {
    const char = source[at] ?? "";
    if (quote) {
      if (char === "\\") {
        at += 1;
      } else if (char === quote) {
        quote = "";
      }
    } else if (char === '"' || char === "'" || char === "`") {
      quote = char;
    } else if ("([{".includes(char)) {
      depth += 1;
    } else if (")]}".includes(char)) {
      depth -= 1;
    } else if (
      depth === 0 &&
      source.startsWith(word, at) &&
      /\s/.test(source[at - 1] ?? "") &&
      /\s/.test(source[at + word.length] ?? "")
    ) {
      parts.push(source.slice(start, at).trim());
      start = at + word.length;
      at = start - 1;
    }
  }
  return [...parts, source.slice(start).trim()];
}

function parseOne(source: string): Comparison | null {
  const compared = COMPARE.exec(source);
  if (compared) {
    return { left: compared[1] ?? "", operator: compared[2] ?? "=", right: compared[3] ?? "" };
  }
  const negated = FALSE.exec(source);
  if (negated) {
    return { left: negated[1] ?? "", operator: "false", right: "" };
  }
  return TRUE.test(source) && !["true", "false", "null"].includes(source)
    ? { left: source, operator: "true", right: "" }
    : null;
}

/** The condition as rows; `null` if it is more than that. */
export function parseCondition(source: string): Simple | null {
  const trimmed = source.trim();
  const ors = splitAt(trimmed, "or");
  const ands = splitAt(trimmed, "and");
  if (ors.length > 1 && ands.length > 1) {
    return null;
  }
  const rows = (ors.length > 1 ? ors : ands).map(parseOne);
  return rows.every((row) => row !== null) ? { rows, all: ors.length === 1 } : null;
}

/** What people type for a value, as an expression: words become texts. */
function operand(text: string): string {
  const trimmed = text.trim();
  if (trimmed === "" || new RegExp(`^(?:${LITERAL})$`).test(trimmed)) {
    return trimmed;
  }
  const isReference =
    /^(?:steps|input|item|index|error|output|value|row|run|env|iteration|attempt)\b/.test(trimmed) ||
    trimmed.startsWith("$");
  return isReference ? trimmed : JSON.stringify(trimmed);
}

/** The rows as an expression; rows without a left side are left out. */
export function printCondition({ rows, all }: Simple): string {
  return rows
    .filter((row) => row.left.trim() !== "")
    .map((row) => {
      const left = row.left.trim();
      if (row.operator === "true") {
        return left;
      }
      if (row.operator === "false") {
        return `$not(${left})`;
      }
      const right =
        row.operator === "in" && !row.right.trim().startsWith("[") && row.right.includes(",")
          ? `[${row.right.split(",").map(operand).join(", ")}]`
          : operand(row.right);
      return `${left} ${row.operator} ${right === "" ? '""' : right}`;
    })
    .join(all ? " and " : " or ");
}
