/** What every step has besides its form: retry, time limit, join, undo, pinned output, notes. */
import { NumberInput, Radio, Select, Stack, Switch, Textarea } from "@mantine/core";
import { useId } from "react";
import { useCatalog } from "../../backend/queries";
import type { Field } from "../../bindings/Field";
import type { Join } from "../../bindings/Join";
import type { Retry } from "../../bindings/Retry";
import type { Step } from "../../bindings/Step";
import DynamicForm from "./DynamicForm";
import FieldFrame from "./FieldFrame";
import { isWithin, useForm } from "./form-context";
import type { Values } from "./form-values";
import classes from "./inspector.module.css";
import Section from "./Section";
import { PIN_FIELD, RESOURCE_FIELD, RETRY_FIELDS, TIMEOUT_FIELD } from "./simple-fields";

interface SectionsProps {
  step: Step;
  /** Number of edges that lead to the step. */
  incoming: number;
  /** Changes the step inside one edit. */
  change: (label: string, key: string, recipe: (step: Step) => void) => void;
}

function count(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? "" : "s"}`;
}

function retryNote(retry: Retry | undefined): string {
  if (!retry || Object.keys(retry).length === 0) {
    return "off";
  }
  const attempts = retry.attempts === undefined ? "on" : count(retry.attempts, "attempt");
  return retry.when ? `${attempts}, if …` : attempts;
}

function setOrDelete<T extends object, K extends keyof T>(target: T, key: K, value: T[K] | undefined): void {
  if (value === undefined) {
    delete target[key];
  } else {
    target[key] = value;
  }
}

const orNothing = (values: Values): Values | undefined =>
  Object.keys(values).length === 0 ? undefined : values;

export default function StepSections({ step, incoming, change }: SectionsProps) {
  const { wanted } = useForm();
  const wants = (path: string) => wanted !== null && isWithin(wanted, path);
  return (
    <>
      <RetrySection
        retry={step.retry}
        path="retry"
        isWanted={wants("retry")}
        onChange={(values, name) =>
          change("change retry", `retry.${name}`, (draft) =>
            setOrDelete(draft, "retry", orNothing(values) as Retry | undefined),
          )
        }
      />
      <Section
        title="Time limit"
        note={step.timeout ?? "none"}
        isSet={step.timeout !== undefined}
        isWanted={wants("timeout")}
      >
        <FieldFrame
          field={TIMEOUT_FIELD}
          value={step.timeout}
          path="timeout"
          onChange={(value) =>
            change("change time limit", "timeout", (draft) =>
              setOrDelete(draft, "timeout", value as string | undefined),
            )
          }
        />
      </Section>
      <Section
        title="Resource"
        note={step.resource ?? "none"}
        isSet={step.resource !== undefined}
        isWanted={wants("resource")}
      >
        <FieldFrame
          field={RESOURCE_FIELD}
          value={step.resource}
          path="resource"
          onChange={(value) =>
            change("change resource", "resource", (draft) =>
              setOrDelete(draft, "resource", value as string | undefined),
            )
          }
        />
      </Section>
      <JoinSection step={step} incoming={incoming} isWanted={wants("join")} change={change} />
      <UndoSection step={step} isWanted={wants("undo")} change={change} />
      <Section
        title="Pinned output"
        note={step.pin === undefined ? "none" : "in use"}
        isSet={step.pin !== undefined}
        isWanted={wants("pin")}
        testId="section-pin"
      >
        <FieldFrame
          field={PIN_FIELD}
          value={step.pin}
          path="pin"
          onChange={(value) => change("pin output", "pin", (draft) => setOrDelete(draft, "pin", value))}
        />
      </Section>
      <NotesSection step={step} change={change} />
    </>
  );
}

interface RetrySectionProps {
  retry: Retry | undefined;
  path: string;
  isWanted: boolean;
  onChange: (values: Values, name: string) => void;
}

function RetrySection({ retry, path, isWanted, onChange }: RetrySectionProps) {
  return (
    <Section
      title="Retry"
      note={retryNote(retry)}
      isSet={retry !== undefined}
      isWanted={isWanted}
      testId="section-retry"
    >
      <DynamicForm
        fields={RETRY_FIELDS as Field[]}
        values={(retry ?? {}) as Values}
        path={path}
        onChange={onChange}
      />
    </Section>
  );
}

const JOINS: { value: string; label: string; words: string }[] = [
  {
    value: "live",
    label: "When all is decided",
    words:
      "Waits until every incoming edge is decided, and starts if at least one was taken. Right for almost everything.",
  },
  {
    value: "all",
    label: "Only if all were taken",
    words: "Starts when every incoming edge was taken. If one was not, the step is skipped.",
  },
  {
    value: "first",
    label: "At the first",
    words: "Starts as soon as one incoming edge is taken. The others do not matter any more.",
  },
  {
    value: "atLeast",
    label: "At a number of them",
    words: "Starts as soon as so many incoming edges were taken.",
  },
];

function JoinSection({ step, incoming, isWanted, change }: SectionsProps & { isWanted: boolean }) {
  const form = useForm();
  const id = useId();
  const join = step.join ?? "live";
  const mode = typeof join === "string" ? join : "atLeast";
  const chosen = JOINS.find((one) => one.value === mode);
  const note =
    typeof join === "string" ? (chosen?.label.toLowerCase() ?? join) : `at ${join.atLeast} of ${incoming}`;
  const set = (next: Join | undefined) =>
    change("change join", "join", (draft) => {
      setOrDelete(draft, "join", next === "live" ? undefined : next);
      if (next !== "first") {
        delete draft.cancelRest;
      }
    });
  return (
    <Section
      title="When it starts"
      note={note}
      isSet={step.join !== undefined}
      isWanted={isWanted}
      testId="section-join"
    >
      {incoming < 2 && (
        <p className={classes.help}>This matters only for steps with more than one incoming edge.</p>
      )}
      <Radio.Group
        aria-label="When the step starts"
        value={mode}
        readOnly={form.isReadOnly}
        onChange={(next) => {
          form.newGesture();
          set(next === "atLeast" ? { atLeast: 2 } : (next as Join));
        }}
      >
        <Stack gap={8}>
          {JOINS.map((option) => (
            <Radio
              key={option.value}
              size="xs"
              value={option.value}
              label={option.label}
              description={option.words}
              disabled={form.isReadOnly}
            />
          ))}
        </Stack>
      </Radio.Group>
      {typeof join === "object" && (
        <NumberInput
          label="How many"
          min={1}
          value={join.atLeast}
          readOnly={form.isReadOnly}
          onChange={(next) => set({ atLeast: Math.max(1, Math.round(Number(next)) || 1) })}
        />
      )}
      {mode === "first" && (
        <div className={classes.switchRow}>
          <div>
            <label htmlFor={`${id}-rest`}>Stop the others</label>
            <p>The branches that lost are cancelled.</p>
          </div>
          <Switch
            id={`${id}-rest`}
            checked={step.cancelRest === true}
            disabled={form.isReadOnly}
            onChange={(event) => {
              const isOn = event.currentTarget.checked;
              change("change join", "cancelRest", (draft) =>
                setOrDelete(draft, "cancelRest", isOn || undefined),
              );
            }}
          />
        </div>
      )}
    </Section>
  );
}

function UndoSection({
  step,
  isWanted,
  change,
}: {
  step: Step;
  isWanted: boolean;
  change: SectionsProps["change"];
}) {
  const form = useForm();
  const kinds = useCatalog();
  const undo = step.undo;
  const kind = undo ? kinds.get(undo.kind) : undefined;
  const choices = [...kinds.values()]
    .filter((one) => !one.isControl)
    .map((one) => ({ value: one.kind, label: one.title }))
    .sort((a, b) => a.label.localeCompare(b.label));
  if (undo && !choices.some((one) => one.value === undo.kind)) {
    choices.push({ value: undo.kind, label: `${undo.kind} (not known)` });
  }
  return (
    <Section
      title="Undo"
      note={undo ? (kind?.title ?? undo.kind) : "none"}
      isSet={undo !== undefined}
      isWanted={isWanted}
      testId="section-undo"
    >
      <p className={classes.help}>
        What takes this step back when something later fails. It runs in reverse order of completion.
      </p>
      <Select
        label="Taken back by"
        placeholder="Nothing"
        data={choices}
        value={undo?.kind ?? null}
        readOnly={form.isReadOnly}
        searchable
        clearable
        onChange={(next) => {
          form.newGesture();
          change("change undo", "undo.kind", (draft) =>
            setOrDelete(draft, "undo", next === null ? undefined : { kind: next }),
          );
        }}
      />
      {undo && (
        <>
          {kind && kind.form.fields.length > 0 && (
            <DynamicForm
              fields={kind.form.fields.map((field) => ({
                ...field,
                scope: [...(field.scope ?? []), "output", "error"],
              }))}
              values={undo.with ?? {}}
              path="undo.with"
              onChange={(values, name) =>
                change("change undo", `undo.with.${name}`, (draft) => {
                  if (draft.undo) {
                    setOrDelete(draft.undo, "with", orNothing(values));
                  }
                })
              }
            />
          )}
          <FieldFrame
            field={{ ...TIMEOUT_FIELD, label: "One attempt to undo may take" }}
            value={undo.timeout}
            path="undo.timeout"
            onChange={(value) =>
              change("change undo", "undo.timeout", (draft) => {
                if (draft.undo) {
                  setOrDelete(draft.undo, "timeout", value as string | undefined);
                }
              })
            }
          />
          <FieldFrame
            field={{ ...(RETRY_FIELDS[0] as Field), label: "Attempts to undo" }}
            value={undo.retry?.attempts}
            path="undo.retry.attempts"
            onChange={(value) =>
              change("change undo", "undo.retry", (draft) => {
                if (draft.undo) {
                  const retry = { ...draft.undo.retry };
                  setOrDelete(retry, "attempts", value as number | undefined);
                  setOrDelete(draft.undo, "retry", Object.keys(retry).length > 0 ? retry : undefined);
                }
              })
            }
          />
        </>
      )}
    </Section>
  );
}

function NotesSection({ step, change }: { step: Step; change: SectionsProps["change"] }) {
  const form = useForm();
  const id = useId();
  const isNoted = step.description !== undefined || step.disabled === true;
  const note = step.disabled ? "passed over" : step.description ? "described" : "none";
  return (
    <Section title="Notes" note={note} isSet={isNoted} testId="section-notes">
      <Textarea
        label="What the step is there for"
        autosize
        minRows={2}
        maxRows={10}
        value={step.description ?? ""}
        readOnly={form.isReadOnly}
        onFocus={() => form.newGesture()}
        onChange={(event) => {
          const text = event.currentTarget.value;
          change("describe step", "description", (draft) =>
            setOrDelete(draft, "description", text === "" ? undefined : text),
          );
        }}
      />
      <div className={classes.switchRow}>
        <div>
          <label htmlFor={`${id}-disabled`}>Pass over</label>
          <p>The step is not run; its plain edges are taken.</p>
        </div>
        <Switch
          id={`${id}-disabled`}
          checked={step.disabled === true}
          disabled={form.isReadOnly}
          onChange={(event) => {
            const isOn = event.currentTarget.checked;
            form.newGesture();
            change(isOn ? "disable step" : "enable step", "disabled", (draft) =>
              setOrDelete(draft, "disabled", isOn || undefined),
            );
          }}
        />
      </div>
    </Section>
  );
}
