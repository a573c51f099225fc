/** What a step of a run asks for at this moment: an answer, patience, or a decision about an unknown outcome. */
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Hourglass, RotateCcw } from "lucide-react";
import { useState } from "react";
import { callAt } from "../../backend/call";
import { inboxQuery } from "../../backend/queries";
import type { RunView } from "../../bindings/RunView";
import type { StepView } from "../../bindings/StepView";
import { stepLooks } from "../../components/status";
import { Words } from "../../components/Words";
import { titleOf } from "../../state/document";
import { useWhyNot } from "../../state/rights";
import { useRun } from "../../state/run";
import { tellError } from "../../state/tell";
import { useWhere } from "../../state/where";
import OutcomeCard from "../inbox/OutcomeCard";
import QuestionCard from "../inbox/QuestionCard";
import ResetButton from "./ResetButton";
import type { RunRow } from "./run-rows";
import classes from "./runs.module.css";
import StatusMark from "./StatusMark";
import { formatDuration, formatExact } from "./time";
import { useNow } from "./use-now";

interface StepNowProps {
  view: RunView;
  row: RunRow;
  isLive: boolean;
}

export default function StepNow({ view, row, isLive }: StepNowProps) {
  const step = row.view;
  const isWaiting = step?.status === "waiting" || step?.status === "retrying";
  const now = useNow(1_000, isLive && isWaiting && typeof step?.until === "number");
  const refresh = useRun((run) => run.refresh);
  const where = useWhere();
  const whyNot = useWhyNot("run_retry_now", where);
  const [isBusy, setBusy] = useState(false);
  if (!step) {
    return null;
  }
  const left = typeof step.until !== "number" ? null : step.until - now;
  const hurry = async () => {
    setBusy(true);
    try {
      await callAt(where, "run_retry_now", { run: view.summary.id, step: row.path });
      await refresh();
    } catch (thrown) {
      tellError("The next attempt was not started", thrown);
    } finally {
      setBusy(false);
    }
  };
  return (
    <div className={classes.now}>
      <b>{titleOf(row.step)}</b>
      <StatusMark look={stepLooks[step.status]} />
      {step.status === "retrying" ? (
        <span className={classes.quiet}>
          <RotateCcw size={12} aria-hidden="true" /> attempt {step.attempt} of {step.attempts}
          {left !== null && isLive && <>, next in {formatDuration(Math.max(0, left))}</>}
        </span>
      ) : (
        step.attempt > 1 && (
          <span className={classes.quiet}>
            attempt {step.attempt} of {Math.max(step.attempt, step.attempts)}
          </span>
        )
      )}
      {step.status === "waiting" && !step.question && (
        <span
          className={classes.quiet}
          title={typeof step.until === "number" ? formatExact(step.until) : undefined}
        >
          <Hourglass size={12} aria-hidden="true" /> {step.note ? <Words text={step.note} /> : "waits"}
          {left !== null && left > 0 && isLive && <> · {formatDuration(left)} left</>}
        </span>
      )}
      {(step.status === "skipped" || step.status === "cancelled") && step.note && (
        <span className={classes.quiet}>
          <Words text={step.note} />
        </span>
      )}
      <span className={classes.grow} />
      {step.status === "retrying" && isLive && (
        <Button
          size="compact-xs"
          variant="light"
          loading={isBusy}
          disabled={whyNot !== null}
          title={whyNot ?? undefined}
          onClick={() => void hurry()}
          data-testid={`retry-now-${row.path}`}
        >
          Retry now
        </Button>
      )}
      <ResetButton view={view} row={row} />
    </div>
  );
}

/** Whether the step waits for an answer of a person. */
export function isAsking(step: StepView | undefined): boolean {
  return (step?.status === "waiting" && Boolean(step.question)) || step?.status === "outcome-unknown";
}

/** The question of a step, to be answered right here. */
export function StepQuestion({ view, row }: { view: RunView; row: RunRow }) {
  const refresh = useRun((run) => run.refresh);
  const where = useWhere();
  const inbox = useQuery(inboxQuery(where));
  const item = inbox.data?.items.find((one) => one.run.id === view.summary.id && one.step === row.path);
  const step = row.view;
  const question = item?.question ?? step?.question;
  const onDone = () => void refresh();
  return (
    <div className={classes.decide}>
      {step?.status === "outcome-unknown" ? (
        <OutcomeCard
          run={view.summary.id}
          step={row.path}
          title={titleOf(row.step)}
          {...(step.note ? { note: step.note } : {})}
          {...(question?.evidence ? { evidence: question.evidence } : {})}
          onDone={onDone}
        />
      ) : (
        question && (
          <QuestionCard
            key={question.evidenceDigest}
            run={view.summary.id}
            step={row.path}
            question={question}
            answers={item?.answers ?? []}
            askedAt={item?.askedAt ?? step?.startedAt ?? view.at}
            onDone={onDone}
          />
        )
      )}
    </div>
  );
}
