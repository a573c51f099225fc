import { Button } from "@mantine/core";
import { Plus } from "lucide-react";
import { useState } from "react";
import DynamicForm from "../DynamicForm";
import { ProblemLine } from "../FieldFrame";
import type { FieldProps } from "../field-props";
import { isWithin, useForm } from "../form-context";
import { isRecord, summarize } from "../form-values";
import classes from "../inspector.module.css";
import Row from "../Row";

/** The singular of a heading: `Rules` → `rule`. */
export function singular(label: string): string {
  const word = label.toLowerCase();
  return word.endsWith("ies") ? `${word.slice(0, -3)}y` : word.replace(/s$/, "");
}

/** Objects in order, each with a form of its own. */
export default function ListField({
  field,
  value,
  onChange,
  path,
  inputId,
  describedBy,
  isReadOnly,
}: FieldProps) {
  const form = useForm();
  const items = Array.isArray(value) ? value : [];
  const fields = field.fields ?? [];
  const [open, setOpen] = useState<ReadonlySet<number>>(
    () => new Set(items.length <= 2 ? items.map((_, index) => index) : []),
  );
  const noun = singular(field.label);
  const change = (next: unknown[]) => onChange(next.length === 0 ? undefined : next);
  const restructure = (next: unknown[], nextOpen: ReadonlySet<number>) => {
    form.newGesture();
    setOpen(nextOpen);
    change(next);
    form.newGesture();
  };
  const swap = (from: number, to: number) => {
    const next = [...items];
    [next[from], next[to]] = [next[to], next[from]];
    restructure(next, new Set([...open].map((index) => (index === from ? to : index === to ? from : index))));
  };
  return (
    <div className={classes.list} id={inputId} aria-describedby={describedBy}>
      {items.map((item, index) => {
        const itemPath = `${path}[${index}]`;
        const problems = form.problems.filter((problem) => isWithin(problem.place.field ?? "", itemPath));
        return (
          <Row
            // biome-ignore lint/suspicious/noArrayIndexKey: rows of the document have no other identity.
            key={index}
            title={summarize(fields, item) || `New ${noun}`}
            noun={`${noun} ${index + 1}`}
            count={problems.length}
            isOpen={open.has(index) || (form.wanted !== null && isWithin(form.wanted, itemPath))}
            onToggle={() => {
              const next = new Set(open);
              if (!next.delete(index)) {
                next.add(index);
              }
              setOpen(next);
            }}
            path={itemPath}
            {...(isReadOnly
              ? {}
              : {
                  onRemove: () =>
                    restructure(
                      items.filter((_, at) => at !== index),
                      new Set([...open].filter((at) => at !== index).map((at) => (at > index ? at - 1 : at))),
                    ),
                  ...(index > 0 ? { onUp: () => swap(index, index - 1) } : {}),
                  ...(index < items.length - 1 ? { onDown: () => swap(index, index + 1) } : {}),
                })}
          >
            {problems
              .filter((problem) => problem.place.field === itemPath)
              .map((problem) => (
                <ProblemLine key={problem.code + problem.message} problem={problem} />
              ))}
            <DynamicForm
              fields={fields}
              values={isRecord(item) ? item : {}}
              path={itemPath}
              onChange={(next) => change(items.map((one, at) => (at === index ? next : one)))}
            />
          </Row>
        );
      })}
      {!isReadOnly && (
        <Button
          size="compact-xs"
          variant="subtle"
          leftSection={<Plus size={13} />}
          className={classes.add ?? ""}
          onClick={() => restructure([...items, {}], new Set([...open, items.length]))}
        >
          Add {/^[aeiou]/.test(noun) ? "an" : "a"} {noun}
        </Button>
      )}
      {isReadOnly && items.length === 0 && <p className={classes.help}>None</p>}
    </div>
  );
}
