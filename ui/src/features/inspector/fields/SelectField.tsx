import { SegmentedControl, Select } from "@mantine/core";
import type { FieldProps } from "../field-props";
import classes from "../inspector.module.css";

/** One of some choices: few short ones side by side, else a list. */
export default function SelectField({
  field,
  value,
  onChange,
  inputId,
  describedBy,
  isInvalid,
  isReadOnly,
}: FieldProps) {
  const options = field.options ?? [];
  const current = value === undefined ? field.default : value;
  const data = options.map((option) => ({ value: String(option.value), label: option.label }));
  const isUnknown = current !== undefined && !data.some((option) => option.value === String(current));
  if (isUnknown) {
    data.push({ value: String(current), label: `${String(current)} (not known)` });
  }
  const choose = (next: string | null) => {
    const raw = options.find((option) => String(option.value) === next)?.value;
    onChange(raw === undefined || raw === field.default ? undefined : raw);
  };
  const isShort =
    data.length <= 3 && data.length > 1 && data.reduce((sum, one) => sum + one.label.length, 0) <= 30;
  if (isShort && current !== undefined && !isUnknown) {
    return (
      <SegmentedControl
        id={inputId}
        aria-describedby={describedBy}
        aria-label={field.label}
        className={classes.segments ?? ""}
        fullWidth
        size="xs"
        disabled={isReadOnly}
        value={String(current)}
        onChange={choose}
        data={data}
      />
    );
  }
  return (
    <Select
      id={inputId}
      aria-describedby={describedBy}
      error={isInvalid}
      readOnly={isReadOnly}
      data={data}
      value={current === undefined ? null : String(current)}
      onChange={choose}
      placeholder={field.placeholder ?? "Choose"}
      clearable={!field.required && value !== undefined}
      searchable={data.length > 8}
      allowDeselect={false}
      comboboxProps={{ withinPortal: true }}
    />
  );
}
