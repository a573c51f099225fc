/** What starts the workflow without a person: a form for each trigger, and whether they act. */
import { Button, Menu, SegmentedControl, Select, TextInput } from "@mantine/core";
import { Plus } from "lucide-react";
import { useMemo, useState } from "react";
import type { Field } from "../../bindings/Field";
import type { JsonValue } from "../../bindings/serde_json/JsonValue";
import type { Trigger } from "../../bindings/Trigger";
import type { Workflow } from "../../bindings/Workflow";
import { isSlug } from "../../state/document";
import Activation from "../triggers/Activation";
import SchedulePreview from "../triggers/SchedulePreview";
import { kindOf, TRIGGER_KINDS } from "../triggers/trigger-looks";
import WebhookHint from "../webhooks/WebhookHint";
import DynamicForm from "./DynamicForm";
import { ProblemLine } from "./FieldFrame";
import JsonField from "./fields/JsonField";
import { FormContext, isWithin, useForm } from "./form-context";
import type { Values } from "./form-values";
import classes from "./inspector.module.css";
import Row from "./Row";
import Section from "./Section";
import { HERE, SHAPE_FIELDS, SHAPES, type Shape, TRIGGER_FIELDS } from "./trigger-fields";
import type { Change } from "./WorkflowInspector";

interface TriggerSectionProps {
  document: Workflow;
  change: Change;
}

/** What a new trigger of a kind begins with. */
const FIRST: Record<string, Values> = {
  schedule: { cron: "0 6 * * 1-5", ...(HERE === "UTC" ? {} : { timeZone: HERE }) },
  file: { folder: "inbox", pattern: "*.csv" },
};

export default function TriggerSection({ document, change }: TriggerSectionProps) {
  const { triggers } = document;
  const form = useForm();
  const [open, setOpen] = useState<number | null>(null);
  const asked = /^triggers\[(\d+)\]/.exec(form.wanted ?? "")?.[1];
  const [wasAsked, setWasAsked] = useState<string | undefined>(undefined);
  if (asked !== wasAsked) {
    setWasAsked(asked);
    if (asked !== undefined) setOpen(Number(asked));
  }
  const add = (kind: string) => {
    form.newGesture();
    setOpen(triggers.length);
    const taken = new Set(triggers.map((one) => one.id));
    let id = kind;
    for (let count = 2; taken.has(id); count += 1) {
      id = `${kind}_${count}`;
    }
    change("add trigger", "triggers", (draft) => {
      draft.triggers.push({ id, kind, ...FIRST[kind] } as Trigger);
    });
  };
  return (
    <Section
      title="Triggers"
      note={triggers.length === 0 ? "by hand only" : `${triggers.length}`}
      isSet={triggers.length > 0}
      isOpenAtFirst={triggers.length > 0}
      isWanted={form.wanted?.startsWith("triggers") ?? false}
      testId="section-triggers"
    >
      {triggers.length === 0 && (
        <p className={classes.help}>Started by hand. A trigger starts it without a person.</p>
      )}
      <div className={classes.list}>
        {triggers.map((trigger, index) => (
          <TriggerForm
            // biome-ignore lint/suspicious/noArrayIndexKey: the id is edited while the row is open.
            key={index}
            trigger={trigger}
            index={index}
            isOpen={open === index}
            onToggle={() => setOpen(open === index ? null : index)}
            onChange={(key, next) =>
              change("change trigger", `trigger.${index}.${key}`, (draft) => {
                draft.triggers[index] = next;
              })
            }
            onRemove={() => {
              form.newGesture();
              setOpen(null);
              change("remove trigger", "triggers", (draft) => {
                draft.triggers.splice(index, 1);
              });
            }}
          />
        ))}
      </div>
      {!form.isReadOnly && (
        <div data-field-path="triggers">
          <Menu position="bottom-start">
            <Menu.Target>
              <Button
                size="compact-xs"
                variant="subtle"
                leftSection={<Plus size={13} />}
                className={classes.add ?? ""}
                data-testid="add-trigger"
              >
                Add a trigger
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              {TRIGGER_KINDS.map((kind) => (
                <Menu.Item
                  key={kind.value}
                  leftSection={<kind.icon size={14} />}
                  data-testid={`add-trigger-${kind.value}`}
                  onClick={() => add(kind.value)}
                >
                  {kind.label}
                </Menu.Item>
              ))}
            </Menu.Dropdown>
          </Menu>
        </div>
      )}
      <Activation document={document} isReadOnly={form.isReadOnly} />
    </Section>
  );
}

interface TriggerFormProps {
  trigger: Trigger;
  index: number;
  isOpen: boolean;
  onToggle: () => void;
  onChange: (key: string, next: Trigger) => void;
  onRemove: () => void;
}

function TriggerForm({ trigger, index, isOpen, onToggle, onChange, onRemove }: TriggerFormProps) {
  const form = useForm();
  const { id, kind, ...settings } = trigger;
  const own = form.problems.filter((problem) => problem.place.trigger === id);
  const fields = TRIGGER_FIELDS[kind];
  const path = `triggers[${index}]`;
  const shown = [
    ...(fields ?? []),
    ...(kind === "schedule" ? SHAPE_FIELDS[shapeOf(settings as Values)] : []),
  ];
  const general = own.filter((problem) => !shown.some((field) => isAt(problem.place.field, field.name)));
  // A field knows its findings by its path in the document.
  const context = useMemo(
    () => ({
      ...form,
      problems: form.problems.flatMap((problem) => {
        const { trigger: of, field } = problem.place;
        return of === id && field !== undefined
          ? [{ ...problem, place: { ...problem.place, field: `${path}.${field}` } }]
          : [];
      }),
    }),
    [form, id, path],
  );
  const replace = (key: string, values: Values) =>
    onChange(key, { id, kind, ...(values as Record<string, JsonValue>) } as Trigger);
  return (
    <FormContext.Provider value={context}>
      <Row
        title={`${kindOf(kind).label} · ${id}`}
        noun={`trigger ${id}`}
        // What a target does otherwise is no fault of the trigger.
        count={own.filter((problem) => problem.on === undefined).length}
        path={path}
        isOpen={isOpen}
        onToggle={onToggle}
        {...(form.isReadOnly ? {} : { onRemove })}
      >
        <div className={classes.form}>
          {general.map((problem) => (
            <ProblemLine key={problem.code + problem.message} problem={problem} />
          ))}
          <div className={classes.two}>
            <TextInput
              label="Id"
              value={id}
              readOnly={form.isReadOnly}
              error={isSlug(id) ? false : "small letters, digits and _"}
              onFocus={form.newGesture}
              onChange={(event) => onChange("id", { ...trigger, id: event.currentTarget.value } as Trigger)}
              spellCheck={false}
            />
            <Select
              label="Kind"
              data={[
                ...TRIGGER_KINDS.map((one) => ({ value: one.value, label: one.label })),
                ...(fields ? [] : [{ value: kind, label: kind }]),
              ]}
              value={kind}
              readOnly={form.isReadOnly}
              allowDeselect={false}
              onChange={(next) => {
                form.newGesture();
                onChange("kind", { ...trigger, kind: next ?? "manual" } as Trigger);
              }}
            />
          </div>
          {kind === "webhook" && <WebhookHint trigger={trigger} />}
          {kind === "schedule" && <ScheduleForm values={settings as Values} path={path} onChange={replace} />}
          {fields ? (
            <DynamicForm
              fields={fields as Field[]}
              values={settings as Values}
              path={path}
              onChange={(values, name) => replace(name, values)}
            />
          ) : (
            <JsonField
              field={{
                name: "settings",
                widget: "json",
                label: "Settings",
                required: false,
                expression: false,
                secret: false,
                scope: [],
              }}
              value={settings}
              onChange={(value) => replace("settings", (value ?? {}) as Values)}
              path={path}
              inputId={`trigger-${index}`}
              describedBy={undefined}
              isInvalid={false}
              isReadOnly={form.isReadOnly}
            />
          )}
        </div>
      </Row>
    </FormContext.Provider>
  );
}

/** Whether a finding is about a setting or something inside it. */
function isAt(at: string | undefined, name: string): boolean {
  return at !== undefined && isWithin(at, name);
}

/** The way in which a schedule says when. */
function shapeOf(values: Values, otherwise: Shape = "cron"): Shape {
  return SHAPES.find(({ value }) => values[value] !== undefined)?.value ?? otherwise;
}

interface ScheduleFormProps {
  values: Values;
  path: string;
  onChange: (key: string, values: Values) => void;
}

/** When: by the clock, in intervals, or on dates; and what that comes to. */
function ScheduleForm({ values, path, onChange }: ScheduleFormProps) {
  const form = useForm();
  const [chosen, setChosen] = useState<Shape>("cron");
  const shape = shapeOf(values, chosen);
  const choose = (next: Shape) => {
    form.newGesture();
    setChosen(next);
    const { cron: _cron, every: _every, anchor: _anchor, dates: _dates, ...rest } = values;
    onChange("shape", rest);
  };
  return (
    <>
      <SegmentedControl
        fullWidth
        size="xs"
        aria-label="How the schedule says when"
        disabled={form.isReadOnly}
        value={shape}
        onChange={(next) => choose(next as Shape)}
        data={SHAPES.map(({ value, label }) => ({ value, label }))}
      />
      <DynamicForm
        fields={SHAPE_FIELDS[shape] as Field[]}
        values={values}
        path={path}
        onChange={(next, name) => onChange(name, next)}
      />
      <SchedulePreview settings={values} />
    </>
  );
}
