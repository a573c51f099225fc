import { ActionIcon, Autocomplete, SegmentedControl, Select, TextInput, UnstyledButton } from "@mantine/core";
import { Plus, X } from "lucide-react";
import { useState } from "react";
import { asExpression, expressionSource } from "../../expression/template";
import { type Comparison, OPERATORS, parseCondition, printCondition, type Simple } from "../condition";
import type { FieldProps } from "../field-props";
import { useForm } from "../form-context";
import classes from "../inspector.module.css";
import ExpressionField from "./ExpressionField";

const FRESH: Comparison = { left: "", operator: "=", right: "" };

/** A condition, as sentences where it is simple enough, else as an expression. */
export default function ConditionField(props: FieldProps) {
  const { field, value, onChange, isReadOnly } = props;
  const form = useForm();
  const source = expressionSource(value);
  const parsed =
    value === undefined ? { rows: [FRESH], all: true } : source === null ? null : parseCondition(source);
  const [isCode, setCode] = useState(false);
  // What is half written cannot be read back from the document, so it is kept here.
  const [draft, setDraft] = useState<{ simple: Simple; printed: string | null } | null>(null);
  const isDraft = draft !== null && draft.printed === source;
  const simple = isDraft ? draft.simple : parsed;

  const change = (next: Simple) => {
    const printed = printCondition(next);
    setDraft({ simple: next, printed: printed === "" ? null : printed });
    onChange(printed === "" ? undefined : asExpression(printed));
  };
  if (isCode || simple === null) {
    return (
      <>
        <ExpressionField {...props} />
        {!isReadOnly && simple !== null && (
          <UnstyledButton className={classes.link ?? ""} onClick={() => setCode(false)}>
            Write it as a sentence
          </UnstyledButton>
        )}
      </>
    );
  }
  const scope = form.scopeFor(field.scope);
  const names = [
    ...scope.names.filter((name) => name.name !== "env" && name.name !== "run").map((name) => name.name),
    ...propertyNames(scope.inputSchema).map((name) => `input.${name}`),
    ...scope.steps.flatMap((step) =>
      step.fields.length > 0 ? step.fields.map(([name]) => `steps.${step.id}.${name}`) : [`steps.${step.id}`],
    ),
  ];
  const setRow = (index: number, row: Comparison) =>
    change({ ...simple, rows: simple.rows.map((one, at) => (at === index ? row : one)) });
  return (
    <div className={classes.condition}>
      {simple.rows.length > 1 && (
        <SegmentedControl
          size="xs"
          disabled={isReadOnly}
          aria-label="How the parts count"
          value={simple.all ? "all" : "any"}
          onChange={(mode) => change({ ...simple, all: mode === "all" })}
          data={[
            { value: "all", label: "All are true" },
            { value: "any", label: "At least one is true" },
          ]}
        />
      )}
      {simple.rows.map((row, index) => {
        const operator = OPERATORS.find((one) => one.value === row.operator);
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: rows have no other identity.
          <div key={index} className={classes.comparison}>
            <Autocomplete
              size="xs"
              aria-label={`Value ${index + 1}`}
              id={index === 0 ? props.inputId : undefined}
              aria-describedby={props.describedBy}
              placeholder={field.placeholder?.split(/\s/)[0] ?? "steps.load.rows"}
              readOnly={isReadOnly}
              value={row.left}
              data={[...new Set(names)]}
              limit={30}
              onChange={(left) => setRow(index, { ...row, left })}
              spellCheck={false}
              classNames={{ input: classes.mono ?? "" }}
            />
            <div className={classes.comparisonEnd}>
              <Select
                size="xs"
                aria-label={`Comparison ${index + 1}`}
                readOnly={isReadOnly}
                data={OPERATORS.map((one) => ({ value: one.value, label: one.label }))}
                value={row.operator}
                allowDeselect={false}
                onChange={(next) => setRow(index, { ...row, operator: next ?? "=" })}
                className={classes.operator ?? ""}
              />
              {!operator?.isUnary && (
                <TextInput
                  size="xs"
                  aria-label={`Compared with ${index + 1}`}
                  placeholder={'100 or "gold"'}
                  readOnly={isReadOnly}
                  value={row.right}
                  onChange={(event) => setRow(index, { ...row, right: event.currentTarget.value })}
                  className={classes.grow ?? ""}
                  spellCheck={false}
                  classNames={{ input: classes.mono ?? "" }}
                />
              )}
              {simple.rows.length > 1 && !isReadOnly && (
                <ActionIcon
                  size="sm"
                  aria-label={`Remove part ${index + 1}`}
                  onClick={() => {
                    form.newGesture();
                    change({ ...simple, rows: simple.rows.filter((_, at) => at !== index) });
                  }}
                >
                  <X size={13} />
                </ActionIcon>
              )}
            </div>
          </div>
        );
      })}
      {!isReadOnly && (
        <div className={classes.links}>
          <UnstyledButton
            className={classes.link ?? ""}
            onClick={() => {
              form.newGesture();
              change({ ...simple, rows: [...simple.rows, FRESH] });
            }}
          >
            <Plus size={12} /> Add a part
          </UnstyledButton>
          <UnstyledButton className={classes.link ?? ""} onClick={() => setCode(true)}>
            Write an expression
          </UnstyledButton>
        </div>
      )}
    </div>
  );
}

function propertyNames(schema: unknown): string[] {
  const properties = (schema as { properties?: Record<string, unknown> } | undefined)?.properties;
  return properties ? Object.keys(properties) : [];
}
