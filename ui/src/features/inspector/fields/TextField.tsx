import { TextInput } from "@mantine/core";
import { KeyRound } from "lucide-react";
import { textOf } from "../../expression/template";
import type { FieldProps } from "../field-props";
import SuggestField from "./SuggestField";

/** One line of text; for a secret, its name. */
export default function TextField(props: FieldProps) {
  return (props.field.options ?? []).length > 0 ? <SuggestField {...props} /> : <PlainField {...props} />;
}

function PlainField({ field, value, onChange, inputId, describedBy, isInvalid, isReadOnly }: FieldProps) {
  const text = typeof value === "number" || typeof value === "boolean" ? String(value) : textOf(value);
  return (
    <TextInput
      id={inputId}
      aria-describedby={describedBy}
      error={isInvalid}
      readOnly={isReadOnly}
      value={text}
      placeholder={field.placeholder ?? (typeof field.default === "string" ? field.default : "")}
      onChange={(event) => onChange(event.currentTarget.value === "" ? undefined : event.currentTarget.value)}
      leftSection={field.secret ? <KeyRound size={14} aria-label="Name of a secret" /> : undefined}
      spellCheck={false}
      autoComplete="off"
    />
  );
}
