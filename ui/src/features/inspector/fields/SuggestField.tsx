/** One line of text with suggestions; anything else may be written as well. */
import { Autocomplete } from "@mantine/core";
import { textOf } from "../../expression/template";
import type { FieldProps } from "../field-props";
import classes from "../inspector.module.css";

const MOST_SHOWN = 60;

export default function SuggestField({
  field,
  value,
  onChange,
  inputId,
  describedBy,
  isInvalid,
  isReadOnly,
}: FieldProps) {
  const labels = new Map((field.options ?? []).map((option) => [String(option.value), option.label]));
  return (
    <Autocomplete
      id={inputId}
      aria-describedby={describedBy}
      size="xs"
      error={isInvalid}
      readOnly={isReadOnly}
      value={textOf(value)}
      placeholder={field.placeholder ?? (typeof field.default === "string" ? field.default : "")}
      onChange={(next) => onChange(next === "" ? undefined : next)}
      data={[...labels.keys()]}
      limit={MOST_SHOWN}
      filter={({ options, search }) => {
        const wanted = search.trim().toLowerCase();
        // What is written already says nothing about what is looked for.
        if (labels.has(search)) return options;
        return options.filter((option) => {
          const words =
            "value" in option ? `${option.value} ${labels.get(option.value) ?? ""}`.toLowerCase() : "";
          return words.includes(wanted) || words.includes(wanted.replaceAll(" ", "_"));
        });
      }}
      renderOption={({ option }) => {
        const label = labels.get(option.value);
        return label === undefined || label === option.value ? (
          option.value
        ) : (
          <span className={classes.suggestion}>
            {label} <code>{option.value}</code>
          </span>
        );
      }}
      maxDropdownHeight={260}
      spellCheck={false}
      autoComplete="off"
    />
  );
}
