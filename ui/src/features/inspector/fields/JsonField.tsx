import { json } from "@codemirror/lang-json";
import { useState } from "react";
import CodeEditor from "../../expression/CodeEditor";
import type { FieldProps } from "../field-props";
import classes from "../inspector.module.css";

const language = json();

/** Any JSON value. What cannot be read yet stays in the field and out of the document. */
export default function JsonField({
  field,
  value,
  onChange,
  inputId,
  describedBy,
  isInvalid,
  isReadOnly,
}: FieldProps) {
  const stored = value === undefined ? "" : JSON.stringify(value, null, 2);
  const [draft, setDraft] = useState<{ text: string; stored: string; problem: string | null } | null>(null);
  const isMine = draft !== null && draft.stored === stored;
  const text = isMine ? draft.text : stored;
  const problem = isMine ? draft.problem : null;
  const change = (next: string) => {
    if (next.trim() === "") {
      setDraft({ text: next, stored: "", problem: null });
      onChange(undefined);
      return;
    }
    try {
      const parsed: unknown = JSON.parse(next);
      setDraft({ text: next, stored: JSON.stringify(parsed, null, 2), problem: null });
      onChange(parsed);
    } catch (error) {
      setDraft({ text: next, stored, problem: error instanceof Error ? error.message : String(error) });
    }
  };
  return (
    <>
      <CodeEditor
        value={text}
        onChange={change}
        label={field.label}
        extensions={language}
        isReadOnly={isReadOnly}
        isInvalid={isInvalid || problem !== null}
        placeholder={field.placeholder ?? '{ "name": "value" }'}
        isCompact={text.split("\n").length < 3}
        id={inputId}
        describedBy={describedBy}
      />
      {problem && (
        <p className={classes.problem} data-severity="warning" role="status">
          <span>Not JSON yet, so the last readable value is kept: {problem}</span>
        </p>
      )}
    </>
  );
}
