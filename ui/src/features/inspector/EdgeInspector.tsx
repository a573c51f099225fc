/** Everything about one edge. */
import { SegmentedControl, Select, TextInput } from "@mantine/core";
import { MoveRight, Spline } from "lucide-react";
import { useMemo } from "react";
import { useCatalog } from "../../backend/queries";
import type { Edge } from "../../bindings/Edge";
import type { Workflow } from "../../bindings/Workflow";
import { edgeKey, findEdge, findStep, splitFrom, titleOf } from "../../state/document";
import { useEditor } from "../../state/editor";
import FieldFrame, { ProblemLine } from "./FieldFrame";
import { FormContext } from "./form-context";
import classes from "./inspector.module.css";
import { EDGE_WHEN } from "./simple-fields";
import { useFormValue } from "./use-form-value";

interface EdgeInspectorProps {
  document: Workflow;
  edge: Edge;
  isReadOnly: boolean;
}

const NO_PROBLEMS: never[] = [];

export default function EdgeInspector({ document, edge, isReadOnly }: EdgeInspectorProps) {
  const kinds = useCatalog();
  const check = useEditor((editor) => editor.check);
  const edit = useEditor((editor) => editor.edit);
  const select = useEditor((editor) => editor.select);
  const key = edgeKey(edge);
  const problems = useMemo(
    () =>
      isReadOnly
        ? NO_PROBLEMS
        : (check?.problems ?? NO_PROBLEMS).filter((problem) => problem.place.edge === key),
    [check, key, isReadOnly],
  );
  const { context, mergeKey } = useFormValue({
    document,
    step: edge.to,
    problems,
    isReadOnly,
    isAsked: (place) => place.edge === key,
  });
  const { step: fromId, port } = splitFrom(edge.from);
  const from = findStep(document, fromId);
  const to = findStep(document, edge.to);
  const ports = check?.steps[fromId]?.ports ?? (from ? kinds.get(from.kind)?.ports : undefined) ?? [];
  const choices = ports.map((one) => ({ value: one.name, label: one.title }));
  if (port !== null && !choices.some((one) => one.value === port)) {
    choices.push({ value: port, label: `${port} (not there)` });
  }

  const change = (label: string, name: string, recipe: (draft: Edge) => void) => {
    let nextKey = key;
    edit(
      label,
      (draft) => {
        const found = findEdge(draft, key)?.edge;
        if (found) {
          recipe(found);
          nextKey = edgeKey(found);
        }
      },
      { mergeKey: mergeKey(`${name}`) },
    );
    if (nextKey !== key) {
      select({ edges: [nextKey] });
    }
  };

  return (
    <FormContext.Provider value={context}>
      <header className={classes.head}>
        <span className={classes.icon}>
          <Spline size={18} />
        </span>
        <div className={classes.headText}>
          <div className={classes.arrow}>
            <span>{from ? titleOf(from) : fromId}</span>
            <MoveRight size={15} aria-label="to" />
            <span>{to ? titleOf(to) : edge.to}</span>
          </div>
          <div className={classes.meta}>
            <span>Edge</span>
            <span aria-hidden="true">·</span>
            <code className={classes.id}>{key}</code>
          </div>
        </div>
      </header>
      <div className={classes.body}>
        <div className={classes.form}>
          {problems
            .filter((problem) => problem.place.field !== "when")
            .map((problem) => (
              <ProblemLine key={problem.code + problem.message} problem={problem} />
            ))}
          <div className={classes.field} data-testid="field-on" data-field-path="on">
            <div className={classes.labelRow}>
              <span className={classes.label}>Taken when the step</span>
            </div>
            <SegmentedControl
              fullWidth
              size="xs"
              aria-label="Taken when the step"
              disabled={isReadOnly}
              value={edge.on ?? "success"}
              onChange={(next) =>
                change("change edge", "on", (draft) => {
                  if (next === "success") {
                    delete draft.on;
                  } else {
                    draft.on = next as "error" | "always";
                    // An edge on error leaves the step itself, not one of its ports.
                    draft.from = splitFrom(draft.from).step;
                  }
                })
              }
              data={[
                { value: "success", label: "succeeds" },
                { value: "error", label: "fails" },
                { value: "always", label: "ends either way" },
              ]}
            />
          </div>
          {choices.length > 0 && edge.on === undefined && (
            <div className={classes.field} data-testid="field-from" data-field-path="from">
              <Select
                label="Port"
                description="The outlet that the edge leaves from"
                placeholder="Choose a port"
                data={choices}
                value={port}
                readOnly={isReadOnly}
                allowDeselect={false}
                onChange={(next) =>
                  change("change edge", "from", (draft) => {
                    draft.from = next === null ? fromId : `${fromId}.${next}`;
                  })
                }
              />
            </div>
          )}
          <FieldFrame
            field={EDGE_WHEN}
            value={edge.when}
            path="when"
            onChange={(value) =>
              change("change condition", "when", (draft) => {
                if (value === undefined) {
                  delete draft.when;
                } else {
                  draft.when = String(value);
                }
              })
            }
          />
          <div
            className={classes.field}
            data-testid="field-label"
            data-field-path="label"
            onFocusCapture={context.newGesture}
          >
            <TextInput
              label="Words on the edge"
              value={edge.label ?? ""}
              readOnly={isReadOnly}
              onChange={(event) => {
                const text = event.currentTarget.value;
                change("label edge", "label", (draft) => {
                  if (text === "") {
                    delete draft.label;
                  } else {
                    draft.label = text;
                  }
                });
              }}
            />
          </div>
        </div>
      </div>
    </FormContext.Provider>
  );
}
