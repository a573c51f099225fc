import { Switch } from "@mantine/core";
import type { FieldProps } from "../field-props";

/** True or false; the default is not written down. */
export default function SwitchField({
  field,
  value,
  onChange,
  inputId,
  describedBy,
  isReadOnly,
}: FieldProps) {
  const standard = field.default === true;
  return (
    <Switch
      id={inputId}
      aria-describedby={describedBy}
      disabled={isReadOnly}
      checked={typeof value === "boolean" ? value : standard}
      onChange={(event) =>
        onChange(event.currentTarget.checked === standard ? undefined : event.currentTarget.checked)
      }
    />
  );
}
