import { Textarea } from "@mantine/core";
import { asLines, textOf } from "../../expression/template";
import type { FieldProps } from "../field-props";

/** Several lines of text. */
export default function LinesField({
  field,
  value,
  onChange,
  inputId,
  describedBy,
  isInvalid,
  isReadOnly,
}: FieldProps) {
  return (
    <Textarea
      id={inputId}
      aria-describedby={describedBy}
      error={isInvalid}
      readOnly={isReadOnly}
      autosize
      minRows={2}
      maxRows={14}
      value={textOf(value)}
      placeholder={field.placeholder ?? ""}
      onChange={(event) =>
        onChange(event.currentTarget.value === "" ? undefined : asLines(event.currentTarget.value))
      }
    />
  );
}
