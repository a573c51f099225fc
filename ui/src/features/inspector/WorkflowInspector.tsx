/** Everything about the workflow as a whole. */
import { SegmentedControl, TagsInput, Textarea, TextInput } from "@mantine/core";
import { Workflow as WorkflowIcon } from "lucide-react";
import { useMemo, useState } from "react";
import type { Field } from "../../bindings/Field";
import type { Workflow } from "../../bindings/Workflow";
import { isSlug } from "../../state/document";
import { useEditor } from "../../state/editor";
import DynamicForm from "./DynamicForm";
import FieldFrame, { ProblemLine } from "./FieldFrame";
import { FormContext, useForm } from "./form-context";
import type { Values } from "./form-values";
import classes from "./inspector.module.css";
import Section from "./Section";
import { INPUT_FIELD, LIMIT_FIELDS, RUN_TIMEOUT } from "./simple-fields";
import TriggerSection from "./TriggerSection";
import { useFindingsThere } from "./use-findings-there";
import { useFormValue } from "./use-form-value";

const NO_PROBLEMS: never[] = [];

export type Change = (label: string, key: string, recipe: (draft: Workflow) => void) => void;

export default function WorkflowInspector({
  document,
  isReadOnly,
}: {
  document: Workflow;
  isReadOnly: boolean;
}) {
  const check = useEditor((editor) => editor.check);
  const there = useFindingsThere();
  const edit = useEditor((editor) => editor.edit);
  const problems = useMemo(
    () =>
      isReadOnly
        ? NO_PROBLEMS
        : [...(check?.problems ?? NO_PROBLEMS), ...there].filter(
            (problem) => problem.place.step === undefined && problem.place.edge === undefined,
          ),
    [check, there, isReadOnly],
  );
  const { context, mergeKey } = useFormValue({
    document,
    problems,
    isReadOnly,
    isAsked: (place) => place.step === undefined && place.edge === undefined,
  });
  const change: Change = (label, key, recipe) =>
    edit(label, recipe, { mergeKey: mergeKey(`workflow.${key}`) });
  const about = document.about ?? {};
  const setAbout = (key: "purpose" | "owner" | "tags", value: string | string[]) =>
    change("change about", `about.${key}`, (draft) => {
      const next = { ...draft.about } as Record<string, unknown>;
      if (value.length === 0) {
        delete next[key];
      } else {
        next[key] = value;
      }
      if (Object.keys(next).length === 0) {
        delete draft.about;
      } else {
        draft.about = next;
      }
    });
  const general = problems.filter(
    (problem) =>
      problem.place.trigger === undefined && !/^(input|timeout|limits)\b/.test(problem.place.field ?? ""),
  );

  return (
    <FormContext.Provider value={context}>
      <header className={classes.head}>
        <span className={classes.icon} style={{ "--tone": "var(--bt-accent-text)" } as object}>
          <WorkflowIcon size={18} />
        </span>
        <div className={classes.headText}>
          <input
            className={classes.titleInput}
            aria-label="Name of the workflow"
            data-testid="field-workflow-name"
            data-field-path="name"
            value={document.name}
            placeholder="Untitled workflow"
            readOnly={isReadOnly}
            onFocus={context.newGesture}
            onChange={(event) => {
              const name = event.currentTarget.value;
              change("rename workflow", "name", (draft) => {
                draft.name = name;
              });
            }}
          />
          <div className={classes.meta}>
            <WorkflowId document={document} change={change} />
            <span aria-hidden="true">·</span>
            <span>
              {document.steps.length} {document.steps.length === 1 ? "step" : "steps"}
            </span>
          </div>
        </div>
      </header>
      <div className={classes.body}>
        <div className={classes.form} onFocusCapture={context.newGesture}>
          {general.map((problem) => (
            <ProblemLine key={problem.code + problem.message} problem={problem} />
          ))}
          <Textarea
            label="Purpose"
            placeholder="What it achieves, in a sentence or two"
            autosize
            minRows={2}
            maxRows={8}
            data-testid="field-purpose"
            value={about.purpose ?? ""}
            readOnly={isReadOnly}
            onChange={(event) => setAbout("purpose", event.currentTarget.value)}
          />
          <TextInput
            label="Owner"
            placeholder="Person or team"
            value={about.owner ?? ""}
            readOnly={isReadOnly}
            onChange={(event) => setAbout("owner", event.currentTarget.value)}
          />
          <TagsInput
            label="Tags"
            size="xs"
            value={about.tags ?? []}
            readOnly={isReadOnly}
            placeholder={(about.tags ?? []).length === 0 ? "Words to find it by" : ""}
            onChange={(tags) => setAbout("tags", tags)}
          />
        </div>
      </div>
      <Section
        title="Input"
        note={inputNote(document.input)}
        isSet={document.input !== undefined}
        isWanted={context.wanted?.startsWith("input") ?? false}
        isOpenAtFirst={document.input !== undefined}
      >
        <FieldFrame
          field={INPUT_FIELD}
          value={document.input}
          path="input"
          onChange={(value) =>
            change("change input", "input", (draft) => {
              if (value === undefined) {
                delete draft.input;
              } else {
                draft.input = value as Record<string, unknown>;
              }
            })
          }
        />
      </Section>
      <TriggerSection document={document} change={change} />
      <Section
        title="Limits"
        note={limitsNote(document)}
        isSet={
          document.timeout !== undefined || document.onFailure !== undefined || document.limits !== undefined
        }
        isWanted={
          context.wanted === "timeout" ||
          context.wanted === "onFailure" ||
          (context.wanted?.startsWith("limits") ?? false)
        }
        testId="section-limits"
      >
        <FieldFrame
          field={RUN_TIMEOUT}
          value={document.timeout}
          path="timeout"
          onChange={(value) =>
            change("change time limit", "timeout", (draft) => {
              if (value === undefined) {
                delete draft.timeout;
              } else {
                draft.timeout = String(value);
              }
            })
          }
        />
        <div data-testid="field-onFailure" data-field-path="onFailure">
          <div className={classes.labelRow}>
            <span className={classes.label}>When a step fails for good</span>
          </div>
          <SegmentedControl
            fullWidth
            size="xs"
            aria-label="When a step fails for good"
            disabled={isReadOnly}
            value={document.onFailure ?? "cancel"}
            onChange={(next) =>
              change("change failure", "onFailure", (draft) => {
                if (next === "cancel") {
                  delete draft.onFailure;
                } else {
                  draft.onFailure = "finish";
                }
              })
            }
            data={[
              { value: "cancel", label: "Stop the others" },
              { value: "finish", label: "Let others finish" },
            ]}
          />
        </div>
        <DynamicForm
          fields={LIMIT_FIELDS as Field[]}
          values={(document.limits ?? {}) as Values}
          path="limits"
          onChange={(values, name) =>
            change("change limits", `limits.${name}`, (draft) => {
              if (Object.keys(values).length === 0) {
                delete draft.limits;
              } else {
                draft.limits = values as NonNullable<Workflow["limits"]>;
              }
            })
          }
        />
      </Section>
    </FormContext.Provider>
  );
}

function limitsNote(document: Workflow): string {
  const budgets = Object.keys(document.limits ?? {}).length;
  const words = [
    ...(document.timeout === undefined ? [] : [document.timeout]),
    ...(budgets === 0 ? [] : [`${budgets} ${budgets === 1 ? "budget" : "budgets"}`]),
    ...(document.onFailure === "finish" ? ["finish branches"] : []),
  ];
  return words.length === 0 ? "as the settings say" : words.join(", ");
}

function inputNote(input: Workflow["input"]): string {
  const properties = input?.properties;
  const count = typeof properties === "object" && properties !== null ? Object.keys(properties).length : 0;
  return input === undefined || count === 0
    ? "nothing asked"
    : `${count} ${count === 1 ? "question" : "questions"}`;
}

function WorkflowId({ document, change }: { document: Workflow; change: Change }) {
  const form = useForm();
  const [typed, setTyped] = useState<string | null>(null);
  const text = typed ?? document.id;
  const isWrong = !isSlug(text);
  return (
    <input
      className={classes.id}
      aria-label="Id of the workflow"
      aria-invalid={isWrong}
      title={isWrong ? "small letters, digits and _, beginning with a letter" : "Id of the workflow"}
      style={isWrong ? { color: "var(--bt-failed)" } : undefined}
      readOnly={form.isReadOnly}
      size={Math.max(8, text.length + 1)}
      value={text}
      onFocus={form.newGesture}
      onBlur={() => setTyped(null)}
      onChange={(event) => {
        const next = event.currentTarget.value;
        setTyped(next);
        if (isSlug(next)) {
          change("change id", "id", (draft) => {
            draft.id = next;
          });
        }
      }}
      spellCheck={false}
    />
  );
}
