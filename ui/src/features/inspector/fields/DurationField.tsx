import { Autocomplete, Text } from "@mantine/core";
import { formatDuration, parseDuration } from "../../runs/time";
import type { FieldProps } from "../field-props";

const EXAMPLES = ["10s", "30s", "1m", "5m", "15m", "1h", "4h", "1d", "2d", "1w"];

/** A duration such as `5m`; what it means is said beside it. */
export default function DurationField({
  field,
  value,
  onChange,
  inputId,
  describedBy,
  isInvalid,
  isReadOnly,
}: FieldProps) {
  const text = typeof value === "string" ? value : value === undefined ? "" : String(value);
  const ms = text === "" || text.includes("{%") ? null : parseDuration(text);
  const isWrong = text !== "" && !text.includes("{%") && ms === null;
  return (
    <Autocomplete
      id={inputId}
      aria-describedby={describedBy}
      size="xs"
      error={isWrong ? "write a number with a unit: 500ms, 2s, 5m, 1h30m, 2d" : isInvalid}
      readOnly={isReadOnly}
      value={text}
      placeholder={field.placeholder ?? (typeof field.default === "string" ? field.default : "5m")}
      onChange={(next) => onChange(next === "" ? undefined : next)}
      data={EXAMPLES}
      filter={({ options, search }) =>
        search === "" ? options : options.filter((one) => "value" in one && one.value.startsWith(search))
      }
      rightSection={
        ms === null ? null : (
          <Text size="xs" c="dimmed" ta="right" w="100%" pr={10} style={{ whiteSpace: "nowrap" }}>
            {formatDuration(ms)}
          </Text>
        )
      }
      rightSectionWidth={ms === null ? 0 : 76}
      rightSectionPointerEvents="none"
      spellCheck={false}
    />
  );
}
