import { json } from "@codemirror/lang-json";
import { sql } from "@codemirror/lang-sql";
import type { Extension } from "@codemirror/state";
import { useMemo, useRef } from "react";
import CodeEditor from "../../expression/CodeEditor";
import { jsonataExtensions } from "../../expression/jsonata-extensions";
import type { ExpressionScope } from "../../expression/scope";
import { asLines, textOf } from "../../expression/template";
import type { FieldProps } from "../field-props";
import { useForm } from "../form-context";

function languageOf(language: string | undefined, scope: () => ExpressionScope): Extension {
  switch (language) {
    case "sql":
      return sql({ upperCaseKeywords: false });
    case "json":
      return json();
    case "jsonata":
      return jsonataExtensions(scope);
    default:
      return [];
  }
}

/** Several lines of code, kept as an array of lines. */
export default function CodeField({
  field,
  value,
  onChange,
  inputId,
  describedBy,
  isInvalid,
  isReadOnly,
}: FieldProps) {
  const form = useForm();
  const scope = useRef(() => form.scopeFor(field.scope));
  scope.current = () => form.scopeFor(field.scope);
  const extensions = useMemo(() => languageOf(field.language, () => scope.current()), [field.language]);
  return (
    <CodeEditor
      value={textOf(value)}
      onChange={(text) => onChange(text === "" ? undefined : asLines(text))}
      label={field.label}
      extensions={extensions}
      hasLineNumbers
      isReadOnly={isReadOnly}
      isInvalid={isInvalid}
      placeholder={field.placeholder}
      id={inputId}
      describedBy={describedBy}
    />
  );
}
