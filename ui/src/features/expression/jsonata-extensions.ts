/** Everything that makes a text field an expression field. */
import { autocompletion, type CompletionContext, type CompletionResult } from "@codemirror/autocomplete";
import { linter } from "@codemirror/lint";
import type { Extension } from "@codemirror/state";
import { hoverTooltip } from "@codemirror/view";
import classes from "./CodeEditor.module.css";
import { complete } from "./complete";
import { jsonataLanguage } from "./language";
import { explainName, lintExpression } from "./lint";
import type { ExpressionScope } from "./scope";

const types = { step: "class", field: "property", name: "variable", function: "function" } as const;

function completionSource(scope: () => ExpressionScope) {
  return (context: CompletionContext): CompletionResult | null => {
    const found = complete(context.state.sliceDoc(0, context.pos), scope(), context.explicit);
    return found
      ? {
          from: found.from,
          validFor: /^\$?\w*$/,
          options: found.options.map((option, index) => ({
            label: option.label,
            apply: option.insert ?? option.label,
            type: types[option.kind],
            detail: option.detail,
            boost: option.kind === "function" ? -50 : -Math.min(index, 40),
            ...(option.help ? { info: option.help } : {}),
          })),
        }
      : null;
  };
}

function wordAt(text: string, position: number): { word: string; from: number; to: number } | null {
  const before = /[$\w.]*$/.exec(text.slice(0, position))?.[0] ?? "";
  const after = /^\w*/.exec(text.slice(position))?.[0] ?? "";
  const word = (before + after).replace(/^\.+/, "");
  return word === "" ? null : { word, from: position - before.length, to: position + after.length };
}

/** The scope is read when it is needed, so that the extensions need not change with the document. */
export function jsonataExtensions(scope: () => ExpressionScope): Extension {
  return [
    jsonataLanguage,
    linter(
      (view) =>
        lintExpression(view.state.doc.toString(), scope()).map((problem) => ({
          from: problem.from,
          to: problem.to,
          severity: problem.severity,
          message: problem.message,
        })),
      { delay: 250 },
    ),
    autocompletion({ override: [completionSource(scope)], icons: false, activateOnTyping: true }),
    hoverTooltip((view, position) => {
      const found = wordAt(view.state.doc.toString(), position);
      const help = found ? explainName(found.word, scope()) : null;
      return found && help
        ? {
            pos: found.from,
            end: found.to,
            create: () => {
              const dom = document.createElement("div");
              dom.className = classes.hover ?? "";
              dom.textContent = help;
              return { dom };
            },
          }
        : null;
    }),
  ];
}
