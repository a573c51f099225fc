import { Badge, Group as MantineGroup, Text, UnstyledButton } from "@mantine/core";
import { CircleCheck, type LucideIcon } from "lucide-react";
import type { Problem } from "../../bindings/Problem";
import type { Severity } from "../../bindings/Severity";
import type { Workflow } from "../../bindings/Workflow";
import { PanelEmpty, PanelError, PanelFrame, PanelSkeleton } from "../../components/Panel";
import { severityLooks, type Tone } from "../../components/status";
import { Words } from "../../components/Words";
import { findStep, titleOf } from "../../state/document";
import { useEditor } from "../../state/editor";
import { focusField } from "../../state/focus";
import { useRun } from "../../state/run";
import { useTargetProblems } from "../../state/target-problems";
import { useLine, useNameOf } from "../../state/targets";
import { useView } from "../../state/view";
import { placeIcon } from "../targets/target-looks";
import classes from "./ProblemsPanel.module.css";

const ORDER: Severity[] = ["error", "warning", "info"];
const HEADINGS: Record<Severity, [one: string, many: string]> = {
  error: ["error", "errors"],
  warning: ["warning", "warnings"],
  info: ["note", "notes"],
};

type Group = {
  key: Severity | "target";
  found: readonly Problem[];
  icon: LucideIcon;
  tone: Tone;
  label: string;
  heading: string;
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

  const there = useTargetProblems((known) => known.problems);
  const target = useTargetProblems((known) => known.target);
  const line = useLine(target);
  const name = useNameOf(target);

  if (error) return <PanelError error={error} onRetry={() => void checkNow()} />;
  if (!doc || !check) return <PanelSkeleton rows={4} />;

  // What the chosen target does otherwise is about the document as it was checked there.
  const Place = placeIcon(line?.place.kind ?? "server");
  const onTarget: Group = {
    key: "target",
    found: there,
    icon: Place,
    tone: "running",
    label: `On ${name}`,
    heading: `On ${name}`,
  };
  const groups: Group[] = [
    ...ORDER.map((severity): Group => {
      const found = check.problems.filter((problem) => problem.severity === severity);
      const look = severityLooks[severity];
      return {
        key: severity,
        found,
        icon: look.icon,
        tone: look.tone,
        label: look.label,
        heading: `${found.length} ${HEADINGS[severity][found.length === 1 ? 0 : 1]}`,
      };
    }),
    onTarget,
  ].filter((group) => group.found.length > 0);

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
      {groups.length === 0 && (
        <PanelEmpty
          icon={<CircleCheck size={22} color="var(--bt-succeeded)" />}
          title="No problems"
          hint={doc.steps.length === 0 ? "There is nothing to check yet." : "This workflow is ready to run."}
        />
      )}
      {groups.map(({ key, found, icon: Icon, tone, label, heading }) => {
        return (
          <section key={key} aria-label={heading} data-testid={`problems-${key}`}>
            <MantineGroup gap={6} className={classes.heading}>
              <Icon size={14} color={`var(--bt-${tone})`} aria-hidden />
              <span className={classes.headingText}>{heading}</span>
            </MantineGroup>
            <ul className={classes.list}>
              {found.map((problem, index) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: findings have no identity beyond their place in the list
                <li key={`${problem.code}-${index}`}>
                  <UnstyledButton
                    className={classes.row}
                    data-testid={`problem-${problem.code}`}
                    onClick={() => go(problem)}
                  >
                    <Icon size={16} color={`var(--bt-${tone})`} className={classes.icon} aria-label={label} />
                    <span className={classes.words}>
                      <Text span size="sm">
                        <Words text={problem.message} />
                      </Text>
                      {problem.hint && (
                        <Text span size="xs" c="dimmed" className={classes.hint}>
                          <Words text={problem.hint} />
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
