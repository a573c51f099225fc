/** What started a run, where it was not the person in front of the screen. */
import { useQuery } from "@tanstack/react-query";
import { UserRound, Workflow, Zap } from "lucide-react";
import { appInfoQuery, triggersQuery } from "../../backend/queries";
import type { RunSummary } from "../../bindings/RunSummary";
import type { Trigger } from "../../bindings/Trigger";
import { kindOf } from "./trigger-looks";
import classes from "./triggers.module.css";

interface CauseProps {
  run: RunSummary;
  /** The triggers of the version that runs, where they are known. */
  triggers?: readonly Trigger[];
}

export default function Cause({ run, triggers }: CauseProps) {
  const { data: active } = useQuery(triggersQuery);
  const { data: app } = useQuery(appInfoQuery);
  const { by } = run;
  if (by === undefined || by === app?.person) return null;
  const own = triggers?.find((trigger) => trigger.id === by);
  const line = active?.triggers.find((one) => one.workflow === run.workflow && one.trigger === by);
  const kind = own?.kind ?? line?.kind;
  // What a person starts by the button says so.
  if (by === "manual" && kind === undefined) return null;
  if (by === "workflow" && kind === undefined) {
    return (
      <span className={classes.cause}>
        <Workflow size={13} aria-hidden /> by another run
      </span>
    );
  }
  const Icon = kind === undefined ? (triggers ? UserRound : Zap) : kindOf(kind).icon;
  return (
    <span
      className={classes.cause}
      title={kind === undefined ? `Started by ${by}` : `Started by itself: ${kindOf(kind).label}`}
      data-testid="run-cause"
    >
      <Icon size={13} aria-hidden />
      {kind === undefined ? "by " : <span className="bt-visually-hidden">Started by itself: </span>}
      {by}
    </span>
  );
}
