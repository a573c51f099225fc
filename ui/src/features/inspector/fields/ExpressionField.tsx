import { UnstyledButton } from "@mantine/core";
import ExpressionEditor from "../../expression/ExpressionEditor";
import { asExpression, asLines, expressionSource, textOf } from "../../expression/template";
import type { FieldProps } from "../field-props";
import { useForm } from "../form-context";
import classes from "../inspector.module.css";
import JsonField from "./JsonField";

/** The stored form of a source; multi-line fields keep lines apart. */
function stored(source: string, isMultiLine: boolean): unknown {
  if (source.trim() === "") {
    return undefined;
  }
  // Blanks at the end are kept while typing: trimming would move the cursor.
  const text = `{% ${source.replace(/^\s+/, "")}${/\s$/.test(source) ? "" : " "}%}`;
  return isMultiLine ? asLines(text) : text;
}

/** The source with the blanks at its end that are being typed. */
function typed(value: unknown): string {
  const inner = /^\s*\{%\s?([\s\S]*?)%\}\s*$/.exec(textOf(value))?.[1];
  return inner === undefined ? "" : inner.replace(/ $/, "");
}

/** Any value by expression; a literal that stands there already is shown as JSON. */
export default function ExpressionField(props: FieldProps) {
  const { field, value, onChange, inputId, describedBy, isInvalid, isReadOnly } = props;
  const form = useForm();
  const isMultiLine = field.widget === "lines" || field.widget === "code";
  if (value !== undefined && expressionSource(value) === null) {
    return (
      <>
        <JsonField {...props} />
        {!isReadOnly && (
          <UnstyledButton
            className={classes.link ?? ""}
            onClick={() => {
              form.newGesture();
              onChange(asExpression(typeof value === "string" ? value : JSON.stringify(value)));
            }}
          >
            Write an expression instead
          </UnstyledButton>
        )}
      </>
    );
  }
  return (
    <ExpressionEditor
      source={typed(value)}
      onChange={(source) => onChange(stored(source, isMultiLine))}
      scope={form.scopeFor(field.scope)}
      label={field.label}
      workflow={form.workflow}
      isReadOnly={isReadOnly}
      isInvalid={isInvalid}
      placeholder={
        field.widget === "expression" || field.widget === "condition"
          ? field.placeholder
          : "steps.… or input.…"
      }
      id={inputId}
      describedBy={describedBy}
    />
  );
}
