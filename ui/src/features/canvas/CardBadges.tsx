import { Tooltip } from "@mantine/core";
import type { LucideIcon } from "lucide-react";
import type { Problem } from "../../bindings/Problem";
import type { StepView } from "../../bindings/StepView";
import { sentence } from "../../components/Panel";
import { severityLooks, stepLooks, type Tone } from "../../components/status";
import { useTargetProblems } from "../../state/target-problems";
import { useLine, useNameOf } from "../../state/targets";
import { useView } from "../../state/view";
import { placeIcon, plainly } from "../targets/target-looks";
import type { CardContent } from "./nodes";
import classes from "./StepNode.module.css";

/** What stands beside the state: attempt, progress of a loop. */
function detailOf(view: StepView): string {
  if (view.iterations) {
    const { succeeded, failed, total } = view.iterations;
    return `${succeeded + failed.length} of ${total}`;
  }
  if (view.status === "retrying" || (view.status === "running" && view.attempt > 1)) {
    return `attempt ${view.attempt}${view.attempts > 1 ? ` of ${view.attempts}` : ""}`;
  }
  return "";
}

/** State of a run, and problems, at the upper edge of a card. */
export function CardBadges({ data }: { data: CardContent }) {
  const { view, problems, targetProblems } = data;
  if (view) {
    const look = stepLooks[view.status];
    const Icon = look.icon;
    const detail = detailOf(view);
    const more = view.error?.message ?? view.note;
    const badge = (
      <span
        className={classes.status}
        style={{ color: `var(--bt-${look.tone})`, background: `var(--bt-${look.tone}-soft)` }}
      >
        <Icon size={13} aria-hidden className={look.isBusy ? classes.busy : undefined} />
        {look.label}
        {detail && <span className={classes.detail}>{detail}</span>}
      </span>
    );
    return more ? (
      <Tooltip label={sentence(more)} multiline maw={320}>
        {badge}
      </Tooltip>
    ) : (
      badge
    );
  }
  if (problems.length === 0 && targetProblems.length === 0) return null;
  return (
    <div className={classes.marks}>
      <OnTarget problems={targetProblems} />
      <OnDocument problems={problems} />
    </div>
  );
}

function OnDocument({ problems }: { problems: readonly Problem[] }) {
  const worst = problems[0];
  if (!worst) return null;
  const look = severityLooks[worst.severity];
  const label = `${problems.length} ${problems.length === 1 ? look.label.toLowerCase() : "problems"}`;
  return <ProblemMark problems={problems} icon={look.icon} tone={look.tone} label={label} />;
}

/** What the chosen target does otherwise: its icon, and a colour of its own. */
function OnTarget({ problems }: { problems: readonly Problem[] }) {
  const target = useTargetProblems((known) => known.target);
  const line = useLine(target);
  const name = useNameOf(target);
  if (problems.length === 0) return null;
  return (
    <ProblemMark
      problems={problems}
      icon={placeIcon(line?.place.kind ?? "server")}
      tone="running"
      label={`${problems.length === 1 ? "Otherwise" : `${problems.length} things are otherwise`} on ${name}`}
      heading={`On ${name}`}
      testId="target-mark"
    />
  );
}

interface ProblemMarkProps {
  problems: readonly Problem[];
  icon: LucideIcon;
  tone: Tone;
  label: string;
  heading?: string;
  testId?: string;
}

function ProblemMark({ problems, icon: Icon, tone, label, heading, testId }: ProblemMarkProps) {
  const lines = problems.slice(0, 3).map((each) => plainly(each.message));
  return (
    <Tooltip
      label={(heading ? [heading, ...lines] : lines).join("\n")}
      multiline
      maw={340}
      style={{ whiteSpace: "pre-line" }}
    >
      <button
        type="button"
        className={`${classes.problem} nodrag`}
        style={{ color: `var(--bt-${tone})`, background: `var(--bt-${tone}-soft)` }}
        aria-label={label}
        data-testid={testId}
        onClick={() => useView.getState().showPanel("bottom", "problems")}
      >
        <Icon size={13} aria-hidden />
        {problems.length > 1 && problems.length}
      </button>
    </Tooltip>
  );
}
