import { ActionIcon, Button, TextInput, Tooltip, UnstyledButton } from "@mantine/core";
import { Plus, X } from "lucide-react";
import { useRef, useState } from "react";
import ExpressionEditor from "../../expression/ExpressionEditor";
import { asExpression, expressionSource } from "../../expression/template";
import type { FieldProps } from "../field-props";
import { useForm } from "../form-context";
import { isRecord } from "../form-values";
import classes from "../inspector.module.css";

interface Row {
  id: number;
  name: string;
  value: unknown;
}

let lastRow = 0;
const rowsOf = (value: unknown): Row[] =>
  isRecord(value)
    ? Object.entries(value).map(([name, entry]) => {
        lastRow += 1;
        return { id: lastRow, name, value: entry };
      })
    : [];

/** What is typed as a plain value: numbers, true, false, null, lists and objects are themselves, the rest is text. */
export function readPlain(text: string): unknown {
  if (/^(?:-?\d+(?:\.\d+)?|true|false|null|\[[\s\S]*\]|\{(?!%)[\s\S]*\}|"[\s\S]*")$/.test(text.trim())) {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      return text;
    }
  }
  return text;
}

function printPlain(value: unknown): string {
  if (typeof value !== "string") {
    return value === undefined ? "" : JSON.stringify(value);
  }
  return readPlain(value) === value ? value : JSON.stringify(value);
}

function objectOf(rows: readonly Row[]): Record<string, unknown> | undefined {
  const entries = rows.filter((row) => row.name !== "").map((row) => [row.name, row.value] as const);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** Names with values, each plain or by expression. */
export default function MappingField({
  field,
  value,
  onChange,
  inputId,
  describedBy,
  isReadOnly,
}: FieldProps) {
  const form = useForm();
  const [draft, setDraft] = useState<{ rows: Row[]; stored: string }>(() => ({
    rows: rowsOf(value),
    stored: JSON.stringify(value),
  }));
  const stored = JSON.stringify(value);
  // Rows without a name yet live only here; a change from elsewhere (undo) wins.
  const isMine = draft.stored === stored;
  const current = useRef(draft.rows);
  if (isMine) {
    current.current = draft.rows;
  } else {
    current.current = rowsOf(value);
    setDraft({ rows: current.current, stored });
  }
  const rows = current.current;
  const change = (next: Row[]) => {
    const object = objectOf(next);
    setDraft({ rows: next, stored: JSON.stringify(object) });
    onChange(object);
  };
  const set = (id: number, part: Partial<Row>) =>
    change(rows.map((row) => (row.id === id ? { ...row, ...part } : row)));
  const names = rows.map((row) => row.name);
  return (
    <div className={classes.mapping} id={inputId} aria-describedby={describedBy}>
      {rows.map((row, index) => {
        const source = expressionSource(row.value);
        const isTwice = row.name !== "" && names.indexOf(row.name) !== index;
        return (
          <div key={row.id} className={classes.pair}>
            <div className={classes.pairHead}>
              <TextInput
                size="xs"
                aria-label={`Name ${index + 1} of ${field.label}`}
                placeholder="name"
                value={row.name}
                readOnly={isReadOnly}
                error={isTwice ? "this name is there already" : false}
                onChange={(event) => set(row.id, { name: event.currentTarget.value })}
                className={classes.grow ?? ""}
                spellCheck={false}
                autoComplete="off"
              />
              {field.expression && (
                <Tooltip label={source === null ? "Write an expression" : "Write a plain value"}>
                  <UnstyledButton
                    className={classes.fxButton ?? ""}
                    data-on={source !== null || undefined}
                    aria-pressed={source !== null}
                    aria-label={`fx: expression for ${row.name || `row ${index + 1}`}`}
                    disabled={isReadOnly}
                    onClick={() => {
                      form.newGesture();
                      set(row.id, {
                        value:
                          source === null
                            ? asExpression(
                                row.value === undefined || row.value === "" ? "" : JSON.stringify(row.value),
                              )
                            : readPlain(source),
                      });
                    }}
                  >
                    fx
                  </UnstyledButton>
                </Tooltip>
              )}
              {!isReadOnly && (
                <ActionIcon
                  size="sm"
                  aria-label={`Remove ${row.name || `row ${index + 1}`}`}
                  onClick={() => {
                    form.newGesture();
                    change(rows.filter((one) => one.id !== row.id));
                  }}
                >
                  <X size={13} />
                </ActionIcon>
              )}
            </div>
            {source === null ? (
              <TextInput
                size="xs"
                aria-label={`Value of ${row.name || `row ${index + 1}`}`}
                placeholder="value"
                value={printPlain(row.value)}
                readOnly={isReadOnly}
                onChange={(event) => set(row.id, { value: readPlain(event.currentTarget.value) })}
                spellCheck={false}
                autoComplete="off"
              />
            ) : (
              <ExpressionEditor
                source={source}
                onChange={(next) => set(row.id, { value: asExpression(next) })}
                scope={form.scopeFor(field.scope)}
                label={`Expression for ${row.name || `row ${index + 1}`}`}
                workflow={form.workflow}
                isReadOnly={isReadOnly}
                placeholder="steps.… or input.…"
              />
            )}
          </div>
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
            lastRow += 1;
            setDraft({
              rows: [...rows, { id: lastRow, name: "", value: field.expression ? "{% %}" : "" }],
              stored: stored,
            });
          }}
        >
          Add a value
        </Button>
      )}
      {isReadOnly && rows.length === 0 && <p className={classes.help}>None</p>}
    </div>
  );
}
