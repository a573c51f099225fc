/** Fields for the questions of a JSON Schema. */
import { Checkbox, NumberInput, Select, Stack, TagsInput, Textarea, TextInput } from "@mantine/core";
import { sentence } from "../../components/Panel";
import type { SchemaQuestion } from "./schema-form";

interface SchemaFormProps {
  questions: readonly SchemaQuestion[];
  answers: Record<string, unknown>;
  onChange: (name: string, value: unknown) => void;
  /** What to say under which field. */
  problems: Readonly<Record<string, string>>;
}

export default function SchemaForm({ questions, answers, onChange, problems }: SchemaFormProps) {
  return (
    <Stack gap="sm">
      {questions.map((question, index) => (
        <QuestionField
          key={question.name}
          question={question}
          value={answers[question.name]}
          onChange={(value) => onChange(question.name, value)}
          problem={problems[question.name]}
          isFirst={index === 0}
        />
      ))}
    </Stack>
  );
}

interface QuestionFieldProps {
  question: SchemaQuestion;
  value: unknown;
  onChange: (value: unknown) => void;
  problem: string | undefined;
  isFirst: boolean;
}

function QuestionField({ question, value, onChange, problem, isFirst }: QuestionFieldProps) {
  const shared = {
    label: question.label,
    withAsterisk: question.required,
    error: problem === undefined ? false : sentence(problem),
    "data-testid": `input-${question.name}`,
    ...(isFirst ? { "data-autofocus": true } : {}),
    ...(question.help ? { description: question.help } : {}),
  };
  const text = typeof value === "string" ? value : value === undefined ? "" : String(value);
  const orNothing = (next: string) => onChange(next === "" ? undefined : next);
  switch (question.type) {
    case "boolean":
      return (
        <Checkbox
          size="sm"
          label={question.label}
          description={question.help}
          data-testid={shared["data-testid"]}
          error={shared.error}
          checked={value === true}
          onChange={(event) => onChange(event.currentTarget.checked)}
        />
      );
    case "number":
    case "integer":
      return (
        <NumberInput
          {...shared}
          size="sm"
          value={typeof value === "number" ? value : text}
          allowDecimal={question.type === "number"}
          step={
            question.type === "number" && Math.abs(Number(value) || 0) < 1 && value !== undefined ? 0.05 : 1
          }
          onChange={(next) =>
            onChange(
              next === ""
                ? undefined
                : typeof next === "number"
                  ? next
                  : Number.isFinite(Number(next))
                    ? Number(next)
                    : next,
            )
          }
          {...(question.minimum === undefined ? {} : { min: question.minimum })}
          {...(question.maximum === undefined ? {} : { max: question.maximum })}
          clampBehavior="none"
        />
      );
    case "choice":
      return (
        <Select
          {...shared}
          size="sm"
          data={(question.options ?? []).map(({ value: one, label }) => ({ value: one, label }))}
          value={value === undefined ? null : String(value)}
          clearable={!question.required}
          onChange={(next) => onChange(question.options?.find((option) => option.value === next)?.raw)}
        />
      );
    case "lines":
      return (
        <Textarea
          {...shared}
          size="sm"
          autosize
          minRows={3}
          value={text}
          onChange={(event) => orNothing(event.currentTarget.value)}
        />
      );
    case "json":
      return (
        <Textarea
          {...shared}
          size="sm"
          autosize
          minRows={2}
          maxRows={14}
          value={text}
          placeholder={question.shape === "array" ? "[ ]" : "{ }"}
          onChange={(event) => orNothing(event.currentTarget.value)}
          styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
          spellCheck={false}
        />
      );
    case "strings":
      return (
        <TagsInput
          {...shared}
          size="sm"
          value={Array.isArray(value) ? value.map(String) : []}
          onChange={(next) => onChange(next.length === 0 ? undefined : next)}
          placeholder="Type and press Enter"
        />
      );
    case "date":
      return (
        <TextInput
          {...shared}
          size="sm"
          type="date"
          value={text}
          onChange={(event) => orNothing(event.currentTarget.value)}
        />
      );
    case "date-time":
      return (
        <TextInput
          {...shared}
          size="sm"
          value={text}
          placeholder="2026-12-24T18:00:00Z"
          onChange={(event) => orNothing(event.currentTarget.value)}
        />
      );
    case "text":
      return (
        <TextInput
          {...shared}
          size="sm"
          value={text}
          onChange={(event) => orNothing(event.currentTarget.value)}
        />
      );
  }
}
