import { TagsInput } from "@mantine/core";
import type { FieldProps } from "../field-props";

/** A list of texts. */
export default function StringsField({
  field,
  value,
  onChange,
  inputId,
  describedBy,
  isInvalid,
  isReadOnly,
}: FieldProps) {
  const texts = Array.isArray(value) ? value.map(String) : typeof value === "string" ? [value] : [];
  return (
    <TagsInput
      id={inputId}
      aria-describedby={describedBy}
      size="xs"
      error={isInvalid}
      readOnly={isReadOnly}
      value={texts}
      onChange={(next) => onChange(next.length === 0 ? undefined : next)}
      placeholder={texts.length === 0 ? (field.placeholder ?? "Type and press Enter") : ""}
      allowDuplicates
      splitChars={[";", "\n"]}
      acceptValueOnBlur
    />
  );
}
