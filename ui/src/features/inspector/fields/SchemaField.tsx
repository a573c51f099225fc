import { Button, Select, Switch, TagsInput, TextInput } from "@mantine/core";
import { Plus } from "lucide-react";
import { useState } from "react";
import { humanize } from "../../runs/schema-form";
import type { FieldProps } from "../field-props";
import { useForm } from "../form-context";
import { isRecord } from "../form-values";
import classes from "../inspector.module.css";
import Row from "../Row";
import { ASKED_TYPES, type Asked, printSchema, readSchema } from "../schema-questions";
import JsonField from "./JsonField";

/** A JSON Schema as the questions that it asks. */
export default function SchemaField(props: FieldProps) {
  const { field, value, onChange, inputId, describedBy, isReadOnly } = props;
  const form = useForm();
  const [open, setOpen] = useState<number | null>(null);
  const questions = readSchema(value);
  if (questions === null) {
    return <JsonField {...props} />;
  }
  const change = (next: Asked[]) => onChange(printSchema(isRecord(value) ? value : undefined, next));
  const set = (index: number, part: Partial<Asked>) =>
    change(questions.map((one, at) => (at === index ? { ...one, ...part } : one)));
  const freshName = () => {
    const taken = new Set(questions.map((one) => one.name));
    for (let count = 1; ; count += 1) {
      const name = count === 1 ? "value" : `value_${count}`;
      if (!taken.has(name)) {
        return name;
      }
    }
  };
  const move = (from: number, to: number) => {
    const next = [...questions];
    const [taken] = next.splice(from, 1);
    if (taken) {
      next.splice(to, 0, taken);
      form.newGesture();
      setOpen(open === from ? to : open);
      change(next);
    }
  };
  return (
    <div className={classes.list} id={inputId} aria-describedby={describedBy}>
      {questions.map((question, index) => {
        const isTwice = questions.some((one, at) => at !== index && one.name === question.name);
        return (
          <Row
            // biome-ignore lint/suspicious/noArrayIndexKey: a question is renamed while it is open.
            key={index}
            title={`${question.title || humanize(question.name)} · ${ASKED_TYPES.find((one) => one.value === question.type)?.label ?? "JSON"}${question.required ? " · needed" : ""}`}
            noun={`question ${index + 1}`}
            count={0}
            path={`${props.path}.properties.${question.name}`}
            isOpen={open === index}
            onToggle={() => setOpen(open === index ? null : index)}
            {...(isReadOnly
              ? {}
              : {
                  onRemove: () => {
                    form.newGesture();
                    setOpen(null);
                    change(questions.filter((_, at) => at !== index));
                  },
                  ...(index > 0 ? { onUp: () => move(index, index - 1) } : {}),
                  ...(index < questions.length - 1 ? { onDown: () => move(index, index + 1) } : {}),
                })}
          >
            <div className={classes.form}>
              <TextInput
                size="xs"
                label="Name"
                description="How expressions call it"
                value={question.name}
                readOnly={isReadOnly}
                error={isTwice ? "this name is there already" : false}
                onChange={(event) => {
                  const name = event.currentTarget.value.replace(/\s+/g, "_");
                  if (name !== "" && !questions.some((one, at) => at !== index && one.name === name)) {
                    set(index, { name });
                  }
                }}
                spellCheck={false}
              />
              <TextInput
                size="xs"
                label="Question"
                placeholder={humanize(question.name)}
                value={question.title}
                readOnly={isReadOnly}
                onChange={(event) => set(index, { title: event.currentTarget.value })}
              />
              <Select
                size="xs"
                label="Answer"
                data={[...ASKED_TYPES]}
                value={question.type}
                readOnly={isReadOnly}
                allowDeselect={false}
                onChange={(type) => set(index, { type: (type ?? "text") as Asked["type"] })}
              />
              {question.type === "choice" && (
                <TagsInput
                  size="xs"
                  label="Choices"
                  value={question.choices}
                  readOnly={isReadOnly}
                  onChange={(choices) => set(index, { choices })}
                  placeholder="Type and press Enter"
                />
              )}
              <TextInput
                size="xs"
                label="Default"
                value={question.standard}
                readOnly={isReadOnly}
                onChange={(event) => set(index, { standard: event.currentTarget.value })}
              />
              <TextInput
                size="xs"
                label="Help"
                value={question.description}
                readOnly={isReadOnly}
                onChange={(event) => set(index, { description: event.currentTarget.value })}
              />
              <Switch
                label="Needed"
                checked={question.required}
                disabled={isReadOnly}
                onChange={(event) => set(index, { required: event.currentTarget.checked })}
              />
            </div>
          </Row>
        );
      })}
      {!isReadOnly && (
        <Button
          size="compact-xs"
          variant="subtle"
          leftSection={<Plus size={13} />}
          className={classes.add ?? ""}
          onClick={() => {
            form.newGesture();
            setOpen(questions.length);
            change([
              ...questions,
              {
                name: freshName(),
                title: "",
                type: "text",
                required: false,
                standard: "",
                description: "",
                choices: [],
                rest: {},
              },
            ]);
          }}
        >
          Add a question
        </Button>
      )}
      {isReadOnly && questions.length === 0 && (
        <p className={classes.help}>{field.placeholder ?? "Nothing is asked"}</p>
      )}
    </div>
  );
}
