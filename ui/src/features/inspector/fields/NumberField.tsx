import { TextInput } from "@mantine/core";
import { useState } from "react";
import type { FieldProps } from "../field-props";

/** What is wrong with a typed number, in words; `null` if nothing is. */
export function numberProblem(text: string, min: number | undefined, max: number | undefined): string | null {
  if (text.trim() === "") {
    return null;
  }
  const number = Number(text.replace(",", "."));
  if (!Number.isFinite(number)) {
    return "write a number";
  }
  if (min !== undefined && number < min) {
    return `at least ${min}`;
  }
  return max !== undefined && number > max ? `at most ${max}` : null;
}

/** A number. What is not one yet stays in the field and out of the document. */
export default function NumberField({
  field,
  value,
  onChange,
  inputId,
  describedBy,
  isInvalid,
  isReadOnly,
}: FieldProps) {
  const [typed, setTyped] = useState<string | null>(null);
  const stored = value === undefined || value === null ? "" : String(value);
  const text = typed ?? stored;
  const problem = numberProblem(text, field.min, field.max);
  const step = (by: number) => {
    const next = (Number(text) || 0) + by;
    if (numberProblem(String(next), field.min, field.max) === null) {
      setTyped(null);
      onChange(next);
    }
  };
  return (
    <TextInput
      id={inputId}
      aria-describedby={describedBy}
      inputMode="decimal"
      role="spinbutton"
      aria-valuenow={Number(text) || 0}
      aria-valuemin={field.min}
      aria-valuemax={field.max}
      error={problem ?? isInvalid}
      readOnly={isReadOnly}
      value={text}
      placeholder={field.placeholder ?? (field.default === undefined ? "" : String(field.default))}
      onChange={(event) => {
        const next = event.currentTarget.value;
        setTyped(next);
        if (next.trim() === "") {
          onChange(undefined);
        } else if (Number.isFinite(Number(next.replace(",", ".")))) {
          onChange(Number(next.replace(",", ".")));
        }
      }}
      onKeyDown={(event) => {
        const by = event.key === "ArrowUp" ? 1 : event.key === "ArrowDown" ? -1 : 0;
        if (by !== 0 && !isReadOnly) {
          event.preventDefault();
          step(by * (event.shiftKey ? 10 : 1));
        }
      }}
      onBlur={() =>
        setTyped((was) => (was !== null && numberProblem(was, undefined, undefined) ? was : null))
      }
      autoComplete="off"
    />
  );
}
