import { Tooltip } from "@mantine/core";
import type { StepView } from "../../bindings/StepView";
import { sentence } from "../../components/Panel";
import { severityLooks, stepLooks } from "../../components/status";
import { useView } from "../../state/view";
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
  const { view, problems } = data;
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
  const worst = problems[0];
  if (!worst) return null;
  const look = severityLooks[worst.severity];
  const Icon = look.icon;
  const label = `${problems.length} ${problems.length === 1 ? look.label.toLowerCase() : "problems"}`;
  return (
    <Tooltip
      label={problems
        .slice(0, 3)
        .map((each) => sentence(each.message))
        .join("\n")}
      multiline
      maw={340}
      style={{ whiteSpace: "pre-line" }}
    >
      <button
        type="button"
        className={`${classes.problem} nodrag`}
        style={{ color: `var(--bt-${look.tone})`, background: `var(--bt-${look.tone}-soft)` }}
        aria-label={label}
        onClick={() => useView.getState().showPanel("bottom", "problems")}
      >
        <Icon size={13} aria-hidden />
        {problems.length > 1 && problems.length}
      </button>
    </Tooltip>
  );
}
