/** Budgets of a run: empty means as built in. */
import { NumberInput } from "@mantine/core";
import type { Allowance } from "../../bindings/Allowance";
import { amountOf, BUDGETS, formatBytes, parseBytes } from "../runs/budget-words";
import { AmountField } from "./AmountField";
import classes from "./system.module.css";

interface BudgetFieldsProps {
  value: Allowance;
  builtIn: Allowance;
  onChange: (value: Allowance) => void;
  onWrong: (name: string, isWrong: boolean) => void;
}

const COUNTS = ["steps", "iterations", "depth", "inFlight"] as const;
const SIZES = ["payload", "runPayload", "memory"] as const;

export function BudgetFields({ value, builtIn, onChange, onWrong }: BudgetFieldsProps) {
  const set = (name: keyof Allowance, amount: number | undefined) => {
    const next = { ...value };
    if (amount === undefined) delete next[name];
    else next[name] = amount;
    onChange(next);
  };
  return (
    <div className={classes.grid}>
      {COUNTS.map((name) => (
        <NumberInput
          key={name}
          size="xs"
          label={name === "inFlight" ? "Iterations in flight" : BUDGETS[name].title}
          placeholder={builtIn[name]?.toLocaleString("en") ?? "no limit"}
          value={value[name] ?? ""}
          min={1}
          allowDecimal={false}
          allowNegative={false}
          thousandSeparator=","
          onChange={(next) => set(name, typeof next === "number" ? next : undefined)}
          data-testid={`budget-${name}`}
        />
      ))}
      {SIZES.map((name) => (
        <AmountField
          key={name}
          label={BUDGETS[name].title}
          value={value[name]}
          placeholder={builtIn[name] === undefined ? "no limit" : amountOf(name, builtIn[name])}
          example="256 MB"
          isOptional
          format={formatBytes}
          parse={parseBytes}
          onChange={(amount) => set(name, amount)}
          onWrong={(isWrong) => onWrong(name, isWrong)}
        />
      ))}
      <NumberInput
        size="xs"
        label="Time since the start, in minutes"
        placeholder="no limit"
        value={value.wallTime === undefined ? "" : value.wallTime / 60_000}
        min={1}
        allowNegative={false}
        thousandSeparator=","
        onChange={(next) => set("wallTime", typeof next === "number" ? Math.round(next * 60_000) : undefined)}
        data-testid="budget-wallTime"
      />
    </div>
  );
}
