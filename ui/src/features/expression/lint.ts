/** Findings about an expression while it is typed. Parses only: nothing is evaluated in the window. */
import jsonata from "jsonata";
import { findFunction } from "./functions";
import type { ExpressionScope } from "./scope";

export interface ExpressionProblem {
  code: string;
  severity: "error" | "warning";
  message: string;
  from: number;
  to: number;
}

interface ParserError {
  code: string;
  position?: number;
  token?: string;
  value?: string;
}

const quote = (text: unknown) => `\`${String(text)}\``;
const closing: Record<string, string> = { ")": "(", "]": "[", "}": "{" };

const words: Record<string, (error: ParserError) => string> = {
  S0101: () => "this text has no closing quote",
  S0102: (error) => `${quote(error.token)} is too large for a number`,
  S0103: (error) => `\`\\${error.token ?? ""}\` is no escape sequence`,
  S0104: () => "`\\u` needs four hexadecimal digits",
  S0105: () => "this name has no closing backtick",
  S0106: () => "this comment has no end, write `*/`",
  S0201: (error) => `${quote(error.token)} does not belong here`,
  S0202: (error) => `expected ${quote(error.value)}, found ${quote(error.token)}`,
  S0203: (error) => {
    const open = closing[error.value ?? ""];
    return open
      ? `${quote(error.value)} is missing: a ${quote(open)} was opened and not closed`
      : `${quote(error.value)} is missing at the end`;
  },
  S0204: (error) => `${quote(error.token)} is no operator`,
  S0205: (error) => `${quote(error.token)} does not belong here`,
  S0206: (error) => `${quote(error.token)} cannot be understood`,
  S0207: () => "something is missing at the end",
  S0208: (error) => `parameter ${quote(error.value)} needs a name that begins with \`$\``,
  S0209: () => "a filter cannot follow a grouping",
  S0210: () => "a path can be grouped only once",
  S0211: (error) => `something is missing before ${quote(error.token)}`,
  S0212: () => "the left side of `:=` needs a name that begins with `$`",
  S0213: (error) => `${quote(error.value)} cannot be part of a path`,
  S0214: (error) => `the right side of ${quote(error.token)} needs a name that begins with \`$\``,
  S0217: () => "there is nothing above this value",
  S0301: () => "this pattern is empty",
  S0302: () => "this pattern has no closing `/`",
};

function isParserError(error: unknown): error is ParserError {
  return typeof error === "object" && error !== null && "code" in error && typeof error.code === "string";
}

/** A node of the parser's tree, as far as it is looked at. */
interface Node {
  type?: string;
  value?: unknown;
  position?: number;
  steps?: Node[];
  lhs?: Node | Node[] | Node[][];
  rhs?: Node | Node[] | Node[][];
  condition?: Node;
  then?: Node;
  else?: Node;
  expression?: Node;
  expressions?: Node[];
  procedure?: Node;
  arguments?: Node[];
  body?: Node;
}

function children(node: Node): Node[] {
  const flat = (part: Node | Node[] | Node[][] | undefined): Node[] =>
    part === undefined ? [] : Array.isArray(part) ? (part.flat() as Node[]) : [part];
  return [
    ...flat(node.lhs),
    ...flat(node.rhs),
    ...flat(node.condition),
    ...flat(node.then),
    ...flat(node.else),
    ...flat(node.expression),
    ...flat(node.expressions),
    ...flat(node.arguments),
    ...flat(node.body),
  ];
}

/** Where the name that ends at or begins near `position` stands. */
function span(source: string, name: string, position: number | undefined): [number, number] {
  const end = position ?? source.length;
  const near = source.lastIndexOf(name, end);
  const from = near < 0 ? source.indexOf(name) : near;
  return from < 0 ? [0, source.length] : [from, from + name.length];
}

function nameProblems(source: string, tree: Node, scope: ExpressionScope): ExpressionProblem[] {
  const known = new Set([...scope.names.map((entry) => entry.name), "steps"]);
  const ids = new Set(scope.steps.map((step) => step.id));
  const found: ExpressionProblem[] = [];
  const warn = (code: string, message: string, name: string, node: Node) => {
    const [from, to] = span(source, name, node.position);
    found.push({ code, severity: "warning", message, from, to });
  };
  const functions = (node: Node) => {
    const name = node.procedure?.type === "variable" ? String(node.procedure.value) : "";
    if (name === "eval") {
      warn("no-eval", "`$eval` does not exist here", "$eval", node.procedure ?? node);
    }
  };
  const everywhere = (node: Node) => {
    if (node.type === "function" || node.type === "partial") {
      functions(node);
    }
    for (const child of [...children(node), ...(node.steps ?? [])]) {
      everywhere(child);
    }
  };
  // Inside a path the context changes, so only names at the beginning of a path are looked at.
  const roots = (node: Node) => {
    if (node.type === "path") {
      const [first, second] = node.steps ?? [];
      if (first?.type === "name") {
        const name = String(first.value);
        if (!known.has(name)) {
          warn("unknown-name", `${quote(name)} is not known here`, name, first);
        } else if (name === "steps" && second?.type === "name" && !ids.has(String(second.value))) {
          const id = String(second.value);
          warn("unknown-step", `no earlier step is called ${quote(id)}`, id, second);
        }
      } else if (first) {
        roots(first);
      }
      return;
    }
    for (const child of children(node)) {
      roots(child);
    }
  };
  everywhere(tree);
  roots(tree);
  return found;
}

/** All findings about `source`; with a scope, names are looked up as well. */
export function lintExpression(source: string, scope?: ExpressionScope): ExpressionProblem[] {
  if (source.trim() === "") {
    return [];
  }
  try {
    const parsed = jsonata(source);
    return scope ? nameProblems(source, parsed.ast() as Node, scope) : [];
  } catch (error) {
    if (!isParserError(error)) {
      return [
        {
          code: "unreadable",
          severity: "error",
          message: "this cannot be read as an expression",
          from: 0,
          to: source.length,
        },
      ];
    }
    const end = Math.min(Math.max(error.position ?? source.length, 0), source.length);
    const width = typeof error.token === "string" && error.token !== "(end)" ? error.token.length : 1;
    const from = Math.max(0, end - Math.max(width, 1));
    return [
      {
        code: error.code,
        severity: "error",
        message: words[error.code]?.(error) ?? "this cannot be read as an expression",
        from,
        to: Math.max(end, Math.min(from + 1, source.length)),
      },
    ];
  }
}

/** What `word` means in `scope`, for the hover help. */
export function explainName(word: string, scope: ExpressionScope): string | null {
  if (word.startsWith("$")) {
    const help = findFunction(word);
    return help ? `${help.signature}\n${help.help}` : null;
  }
  const [root, id, field] = word.split(".");
  if (root === "steps" && id !== undefined) {
    const step = scope.steps.find((entry) => entry.id === id);
    if (!step) {
      return null;
    }
    const about = field === undefined ? undefined : step.fields.find(([name]) => name === field)?.[1];
    return about ? `${field} of “${step.title}”: ${about}` : `Output of “${step.title}”`;
  }
  if (root === "steps") {
    return "Outputs of the steps that came before";
  }
  return scope.names.find((entry) => entry.name === root)?.help ?? null;
}
