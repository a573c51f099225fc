/** An amount of data or time, as a text with its unit. */
import { TextInput } from "@mantine/core";
import { useState } from "react";

interface AmountFieldProps {
  label: string;
  value: number | undefined;
  placeholder?: string;
  /** What an amount looks like, for the message below a wrong one. */
  example: string;
  isOptional?: boolean;
  format: (amount: number) => string;
  parse: (text: string) => number | null;
  onChange: (amount: number | undefined) => void;
  onWrong: (isWrong: boolean) => void;
}

export function AmountField({
  label,
  value,
  placeholder,
  example,
  isOptional = false,
  format,
  parse,
  onChange,
  onWrong,
}: AmountFieldProps) {
  const [typed, setTyped] = useState<string | null>(null);
  const text = typed ?? (value === undefined ? "" : format(value));
  const isWrong = text.trim() === "" ? !isOptional : parse(text) === null;
  return (
    <TextInput
      size="xs"
      label={label}
      {...(placeholder === undefined ? {} : { placeholder })}
      value={text}
      error={isWrong ? `such as ${example}` : false}
      onBlur={() => {
        if (!isWrong) setTyped(null);
      }}
      onChange={(event) => {
        const next = event.currentTarget.value;
        setTyped(next);
        const amount = parse(next);
        const isEmpty = next.trim() === "";
        onWrong(isEmpty ? !isOptional : amount === null);
        if (amount !== null) onChange(amount);
        else if (isEmpty && isOptional) onChange(undefined);
      }}
      spellCheck={false}
    />
  );
}
