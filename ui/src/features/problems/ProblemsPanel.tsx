import { Badge, Group, Text, UnstyledButton } from "@mantine/core";
import { CircleCheck } from "lucide-react";
import type { Problem } from "../../bindings/Problem";
import type { Severity } from "../../bindings/Severity";
import type { Workflow } from "../../bindings/Workflow";
import { PanelEmpty, PanelError, PanelFrame, PanelSkeleton, sentence } from "../../components/Panel";
import { severityLooks } from "../../components/status";
import { findStep, titleOf } from "../../state/document";
import { useEditor } from "../../state/editor";
import { focusField } from "../../state/focus";
import { useRun } from "../../state/run";
import { useView } from "../../state/view";
import classes from "./ProblemsPanel.module.css";

const ORDER: Severity[] = ["error", "warning", "info"];
const HEADINGS: Record<Severity, [one: string, many: string]> = {
  error: ["error", "errors"],
  warning: ["warning", "warnings"],
  info: ["note", "notes"],
};

function placeName(doc: Workflow, { place }: Problem): string {
  if (place.step !== undefined) {
    const step = findStep(doc, place.step);
    return step ? titleOf(step) : place.step;
  }
  if (place.edge !== undefined) return place.edge.replace("->", " → ");
  if (place.trigger !== undefined) return `Trigger ${place.trigger}`;
  return "Workflow";
}

/** All findings about the document: what, where, and the way out. Pressing one goes there. */
export default function ProblemsPanel() {
  const doc = useEditor((editor) => editor.doc);
  const check = useEditor((editor) => editor.check);
  const error = useEditor((editor) => editor.checkError);
  const checkNow = useEditor((editor) => editor.checkNow);

  if (error) return <PanelError error={error} onRetry={() => void checkNow()} />;
  if (!doc || !check) return <PanelSkeleton rows={4} />;

  function go(problem: Problem): void {
    useRun.getState().closeRun();
    useView.getState().showPanel("right", "inspector");
    const { step, edge, trigger } = problem.place;
    // What is about the workflow itself stands where nothing is selected.
    if (step === undefined && edge === undefined) useEditor.getState().select({});
    const index = doc?.triggers.findIndex((one) => one.id === trigger) ?? -1;
    const inTrigger = [`triggers[${index}]`, problem.place.field].filter((part) => part !== undefined);
    focusField(index < 0 ? problem.place : { ...problem.place, field: inTrigger.join(".") });
  }

  return (
    <PanelFrame title="Problems" testId="problems-panel">
      {check.problems.length === 0 && (
        <PanelEmpty
          icon={<CircleCheck size={22} color="var(--bt-succeeded)" />}
          title="No problems"
          hint={doc.steps.length === 0 ? "There is nothing to check yet." : "This workflow is ready to run."}
        />
      )}
      {ORDER.map((severity) => {
        const found = check.problems.filter((problem) => problem.severity === severity);
        if (found.length === 0) return null;
        const look = severityLooks[severity];
        const Icon = look.icon;
        return (
          <section
            key={severity}
            aria-label={`${found.length} ${HEADINGS[severity][found.length === 1 ? 0 : 1]}`}
          >
            <Group gap={6} className={classes.heading}>
              <Icon size={14} color={`var(--bt-${look.tone})`} aria-hidden />
              {found.length} {HEADINGS[severity][found.length === 1 ? 0 : 1]}
            </Group>
            <ul className={classes.list}>
              {found.map((problem, index) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: findings have no identity beyond their place in the list
                <li key={`${problem.code}-${index}`}>
                  <UnstyledButton
                    className={classes.row}
                    data-testid={`problem-${problem.code}`}
                    onClick={() => go(problem)}
                  >
                    <Icon
                      size={16}
                      color={`var(--bt-${look.tone})`}
                      className={classes.icon}
                      aria-label={look.label}
                    />
                    <span className={classes.words}>
                      <Text span size="sm">
                        {sentence(problem.message)}
                      </Text>
                      {problem.hint && (
                        <Text span size="xs" c="dimmed" className={classes.hint}>
                          {sentence(problem.hint)}
                        </Text>
                      )}
                    </span>
                    <Badge color="gray" variant="light" tt="none" fw={500} className={classes.place}>
                      {placeName(doc, problem)}
                    </Badge>
                  </UnstyledButton>
                </li>
              ))}
            </ul>
          </section>
        );
      })}
    </PanelFrame>
  );
}
