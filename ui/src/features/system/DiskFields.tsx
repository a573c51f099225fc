/** Marks of the room on the disk. */
import { NumberInput } from "@mantine/core";
import type { DiskLimits } from "../../bindings/DiskLimits";
import { formatBytes, parseBytes } from "../runs/budget-words";
import { AmountField } from "./AmountField";
import classes from "./system.module.css";

interface DiskFieldsProps {
  value: DiskLimits;
  onChange: (value: DiskLimits) => void;
  onWrong: (name: string, isWrong: boolean) => void;
}

const MARKS = [
  { name: "warn", label: "A warning below" },
  { name: "pause", label: "No step starts below" },
  { name: "readOnly", label: "No run starts below" },
  { name: "ballast", label: "Kept back for the last words" },
] as const;

export function DiskFields({ value, onChange, onWrong }: DiskFieldsProps) {
  return (
    <div className={classes.grid}>
      {MARKS.map(({ name, label }) => (
        <AmountField
          key={name}
          label={label}
          value={value[name]}
          example="500 MB"
          format={formatBytes}
          parse={parseBytes}
          onChange={(amount) => onChange({ ...value, [name]: amount ?? 0 })}
          onWrong={(isWrong) => onWrong(`disk-${name}`, isWrong)}
        />
      ))}
      <NumberInput
        size="xs"
        label="A warning below, in percent"
        value={value.warnPercent}
        min={0}
        max={50}
        allowDecimal={false}
        onChange={(next) => onChange({ ...value, warnPercent: typeof next === "number" ? next : 0 })}
      />
    </div>
  );
}
