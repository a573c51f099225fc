/** Everything about one step. */
import { ActionIcon, Menu, Tooltip } from "@mantine/core";
import { EllipsisVertical, EyeOff, Info, Pin } from "lucide-react";
import { useMemo, useState } from "react";
import { useCatalog } from "../../backend/queries";
import type { KindInfo } from "../../bindings/KindInfo";
import type { Step } from "../../bindings/Step";
import type { Workflow } from "../../bindings/Workflow";
import { iconOf } from "../../components/icons";
import { Words } from "../../components/Words";
import { eachStep, findStep, graphOf, isSlug, renameStep, slugify } from "../../state/document";
import { useEditor } from "../../state/editor";
import { tellError } from "../../state/tell";
import DynamicForm from "./DynamicForm";
import { EFFECTS } from "./effects";
import { ProblemLine } from "./FieldFrame";
import JsonField from "./fields/JsonField";
import { FormContext, isWithin } from "./form-context";
import type { Values } from "./form-values";
import classes from "./inspector.module.css";
import StepSections from "./StepSections";
import { useFindingsThere } from "./use-findings-there";
import { useFormValue } from "./use-form-value";

interface StepInspectorProps {
  document: Workflow;
  step: Step;
  isReadOnly: boolean;
}

const NO_PROBLEMS: never[] = [];

export default function StepInspector({ document, step, isReadOnly }: StepInspectorProps) {
  const kinds = useCatalog();
  const check = useEditor((editor) => editor.check);
  const there = useFindingsThere();
  const edit = useEditor((editor) => editor.edit);
  const kind = kinds.get(step.kind);
  const facts = check?.steps[step.id];
  const problems = useMemo(
    () =>
      isReadOnly
        ? NO_PROBLEMS
        : [...(check?.problems ?? NO_PROBLEMS), ...there].filter((problem) => problem.place.step === step.id),
    [check, there, step.id, isReadOnly],
  );
  const { context, mergeKey } = useFormValue({
    document,
    step: step.id,
    problems,
    isReadOnly,
    isAsked: (place) => place.step === step.id,
  });
  const incoming = graphOf(document, step.id).edges.filter((edge) => edge.to === step.id).length;

  const change = (label: string, key: string, recipe: (draft: Step) => void) =>
    edit(
      label,
      (draft) => {
        const found = findStep(draft, step.id);
        if (found) {
          recipe(found);
        }
      },
      { mergeKey: mergeKey(`${step.id}.${key}`) },
    );
  const setWith = (values: Values, name: string) =>
    change("change settings", `with.${name}`, (draft) => {
      if (Object.keys(values).length === 0) {
        delete draft.with;
        return;
      }
      draft.with ??= {};
      if (values[name] === undefined) {
        delete draft.with[name];
      } else {
        draft.with[name] = values[name];
      }
    });

  const known = ["with", "retry", "timeout", "join", "undo", "pin", "cancelRest"];
  const general = problems.filter((problem) => {
    const field = problem.place.field;
    return field === undefined || field === "with" || !known.some((part) => isWithin(field, part));
  });
  const unshown = problems.filter((problem) => {
    const field = problem.place.field;
    return (
      field?.startsWith("with.") && !kind?.form.fields.some((one) => isWithin(field, `with.${one.name}`))
    );
  });

  return (
    <FormContext.Provider value={context}>
      <StepHead
        document={document}
        step={step}
        kind={kind}
        isReadOnly={isReadOnly}
        onTitle={(name) =>
          change("rename step", "name", (draft) => {
            if (name === "") {
              delete draft.name;
            } else {
              draft.name = name;
            }
          })
        }
        onFocus={context.newGesture}
        onToggle={() =>
          change(step.disabled ? "enable step" : "disable step", "disabled", (draft) => {
            if (draft.disabled) {
              delete draft.disabled;
            } else {
              draft.disabled = true;
            }
          })
        }
        onUnpin={() =>
          change("unpin output", "pin", (draft) => {
            delete draft.pin;
          })
        }
        effect={facts?.effect ?? kind?.effect}
      />
      {kind?.summary && (
        <p className={classes.about}>
          <Words text={kind.summary} isPlain />
        </p>
      )}
      {step.disabled && (
        <div className={classes.banner}>
          <EyeOff size={14} />
          <span>This step is passed over: nothing is done, and its plain edges are taken.</span>
        </div>
      )}
      {step.pin !== undefined && (
        <div className={classes.banner} data-tone="warning">
          <Pin size={14} />
          <span>The pinned output is used instead of running this step.</span>
        </div>
      )}
      <div className={classes.body}>
        {[...general, ...unshown].map((problem) => (
          <ProblemLine key={problem.code + problem.message} problem={problem} />
        ))}
        {kind ? (
          kind.form.fields.length > 0 ? (
            <DynamicForm fields={kind.form.fields} values={step.with ?? {}} path="with" onChange={setWith} />
          ) : (
            <p className={classes.help}>This kind of step has no settings of its own.</p>
          )
        ) : (
          <UnknownKind
            step={step}
            onChange={(value) =>
              change("change settings", "with", (draft) => Object.assign(draft, { with: value ?? {} }))
            }
          />
        )}
      </div>
      <StepSections step={step} incoming={incoming} change={change} />
    </FormContext.Provider>
  );
}

function UnknownKind({ step, onChange }: { step: Step; onChange: (value: unknown) => void }) {
  return (
    <>
      <div className={classes.banner} data-tone="warning" style={{ margin: "0 0 12px" }}>
        <Info size={14} />
        <span>
          This version of Baton does not know the kind <code className={classes.code}>{step.kind}</code>. The
          step is kept as it is.
        </span>
      </div>
      <JsonField
        field={{
          name: "with",
          widget: "json",
          label: "Settings",
          required: false,
          expression: false,
          secret: false,
          scope: [],
        }}
        value={step.with}
        onChange={onChange}
        path="with"
        inputId="unknown-kind-with"
        describedBy={undefined}
        isInvalid={false}
        isReadOnly={false}
      />
    </>
  );
}

interface StepHeadProps {
  document: Workflow;
  step: Step;
  kind: KindInfo | undefined;
  effect: KindInfo["effect"] | undefined;
  isReadOnly: boolean;
  onTitle: (name: string) => void;
  onFocus: () => void;
  onToggle: () => void;
  onUnpin: () => void;
}

function StepHead({
  document,
  step,
  kind,
  effect,
  isReadOnly,
  onTitle,
  onFocus,
  onToggle,
  onUnpin,
}: StepHeadProps) {
  const look = effect ? EFFECTS[effect] : undefined;
  const EffectIcon = look?.icon;
  const Icon = iconOf(kind?.icon);
  return (
    <header className={classes.head}>
      <span
        className={classes.icon}
        style={kind ? ({ "--tone": `var(--bt-cat-${kind.category})` } as object) : undefined}
      >
        <Icon size={18} aria-hidden="true" />
      </span>
      <div className={classes.headText}>
        <input
          className={classes.titleInput}
          aria-label="Name of the step"
          data-testid="inspector-title"
          data-field-path="name"
          value={step.name ?? ""}
          placeholder={kind?.title ?? step.id}
          readOnly={isReadOnly}
          onFocus={onFocus}
          onChange={(event) => onTitle(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" || event.key === "Escape") {
              event.currentTarget.blur();
            }
          }}
        />
        <div className={classes.meta}>
          <StepId key={step.id} document={document} step={step} isReadOnly={isReadOnly} />
          <span aria-hidden="true">·</span>
          <span>{kind?.title ?? step.kind}</span>
          {look && EffectIcon && (
            <Tooltip label={look.words} multiline w={260}>
              <span
                className={classes.effect}
                style={
                  { "--tone": `var(--bt-${look.tone})`, "--soft": `var(--bt-${look.tone}-soft)` } as object
                }
                data-testid="inspector-effect"
              >
                <EffectIcon size={11} aria-hidden="true" />
                {look.label}
              </span>
            </Tooltip>
          )}
        </div>
      </div>
      {!isReadOnly && (
        <Menu position="bottom-end">
          <Menu.Target>
            <ActionIcon aria-label="More about this step">
              <EllipsisVertical size={16} />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item leftSection={<EyeOff size={14} />} onClick={onToggle}>
              {step.disabled ? "Run this step again" : "Pass over this step"}
            </Menu.Item>
            {step.pin !== undefined && (
              <Menu.Item leftSection={<Pin size={14} />} onClick={onUnpin}>
                Take off the pinned output
              </Menu.Item>
            )}
          </Menu.Dropdown>
        </Menu>
      )}
    </header>
  );
}

/** The id: a click makes it a field, Enter renames it everywhere. */
function StepId({ document, step, isReadOnly }: { document: Workflow; step: Step; isReadOnly: boolean }) {
  const edit = useEditor((editor) => editor.edit);
  const select = useEditor((editor) => editor.select);
  const [typed, setTyped] = useState<string | null>(null);
  const taken = useMemo(() => {
    const ids = new Set<string>();
    eachStep(document, (each) => ids.add(each.id));
    return ids;
  }, [document]);
  if (typed === null) {
    return (
      <button
        type="button"
        className={classes.id}
        disabled={isReadOnly}
        title={isReadOnly ? "Id of the step" : "Id of the step, click to change it"}
        data-testid="inspector-id"
        onClick={() => setTyped(step.id)}
      >
        {step.id}
      </button>
    );
  }
  const next = typed.trim();
  const problem =
    next === step.id
      ? null
      : !isSlug(next)
        ? "small letters, digits and _, beginning with a letter"
        : taken.has(next)
          ? "another step has this id"
          : null;
  const finish = (isWanted: boolean) => {
    setTyped(null);
    if (!isWanted || next === step.id) {
      return;
    }
    if (problem) {
      tellError("The id stays", new Error(`\`${next}\`: ${problem}`));
      return;
    }
    edit("rename step", (draft) => renameStep(draft, step.id, next));
    select({ steps: [next] });
  };
  return (
    <input
      className={classes.id}
      // biome-ignore lint/a11y/noAutofocus: the person clicked to write here.
      autoFocus
      aria-label="Id of the step"
      aria-invalid={problem !== null}
      title={problem ?? "Enter renames it everywhere"}
      style={problem ? { color: "var(--bt-failed)" } : undefined}
      size={Math.max(6, typed.length + 1)}
      value={typed}
      onFocus={(event) => event.currentTarget.select()}
      onChange={(event) => setTyped(event.currentTarget.value)}
      onBlur={() => finish(true)}
      onKeyDown={(event) => {
        if (event.key === "Enter") {
          finish(true);
        } else if (event.key === "Escape") {
          finish(false);
          event.stopPropagation();
        } else if (event.key === " ") {
          event.preventDefault();
          setTyped(slugify(`${typed}_x`).replace(/_?x$/, "_"));
        }
      }}
    />
  );
}
