/** Number, state and buttons of a run. */
import { ActionIcon, Button, Menu, Tooltip } from "@mantine/core";
import {
  ChevronDown,
  CircleStop,
  MessageCircleQuestion,
  Pause,
  Play,
  RotateCw,
  Undo2,
  X,
} from "lucide-react";
import { useState } from "react";
import { callAt } from "../../backend/call";
import type { RunView } from "../../bindings/RunView";
import { StatusBadge } from "../../components/StatusBadge";
import { runLooks } from "../../components/status";
import { Words } from "../../components/Words";
import { ask } from "../../state/ask";
import { focusField } from "../../state/focus";
import { useWhyNot } from "../../state/rights";
import { hasEnded, runName, useRun } from "../../state/run";
import { tellError } from "../../state/tell";
import { useWhere } from "../../state/where";
import { TargetChip } from "../targets/TargetChip";
import Cause from "../triggers/Cause";
import { noWorkerOf } from "./no-worker";
import classes from "./runs.module.css";
import { useRunSelection } from "./selection";
import { launchRun } from "./start-run";
import { formatDuration, formatExact, formatRelative } from "./time";
import { useNow } from "./use-now";

export default function RunHeader({ view }: { view: RunView }) {
  const { summary } = view;
  const where = useWhere();
  const whyNotPause = useWhyNot("run_pause", where);
  const whyNotResume = useWhyNot("run_resume", where);
  const whyNotCancel = useWhyNot("run_cancel", where);
  const whyNotStart = useWhyNot("run_start", where);
  const closeRun = useRun((run) => run.closeRun);
  const refresh = useRun((run) => run.refresh);
  const [isBusy, setBusy] = useState(false);
  const isOver = hasEnded(summary.status);
  const isUnheard = noWorkerOf(summary) !== null;
  const now = useNow(1_000, !isOver);
  const ended = summary.endedAt ?? now;
  const asking = Object.entries(view.steps).find(
    ([, step]) =>
      step?.status === "outcome-unknown" || (step?.status === "waiting" && step.question !== undefined),
  )?.[0];
  const answer = (path: string) => {
    useRunSelection.getState().setPath(path);
    useRunSelection.getState().setTab(null);
    focusField({ step: path.slice(path.lastIndexOf("/") + 1) });
  };

  const act = async (title: string, action: () => Promise<unknown>) => {
    setBusy(true);
    try {
      await action();
      await refresh();
    } catch (thrown) {
      tellError(title, thrown);
    } finally {
      setBusy(false);
    }
  };
  const cancel = async (undo: boolean) => {
    const answer = await ask({
      title: undo ? "Stop the run and take back what was done?" : "Stop the run?",
      text: undo
        ? "Running steps are stopped. Then the undo of every completed step runs, newest first."
        : "Running steps are stopped. What was done stays as it is.",
      answers: [{ value: "stop", label: undo ? "Stop and undo" : "Stop the run", look: "danger" }],
    });
    if (answer === "stop") {
      await act("The run was not stopped", () => callAt(where, "run_cancel", { run: summary.id, undo }));
    }
  };

  return (
    <header className={classes.header}>
      <b className={classes.runNumber}>Run {runName(summary)}</b>
      <span data-testid="run-status" data-status={view.status}>
        <StatusBadge look={runLooks[view.status]} />
      </span>
      {view.status !== summary.status && (
        <span className={classes.quiet}>now {runLooks[summary.status].label.toLowerCase()}</span>
      )}
      <TargetChip target={where} />
      {summary.outcome && (
        <span className={classes.outcome} title="Outcome, named by an end step">
          {summary.outcome}
        </span>
      )}
      <Tooltip label={formatExact(summary.startedAt)}>
        <span className={classes.quiet}>
          {formatDuration(ended - summary.startedAt)} ·{" "}
          {formatRelative(summary.startedAt, Math.max(now, summary.startedAt))}
        </span>
      </Tooltip>
      <Cause run={summary} triggers={view.document.triggers} />
      {!isOver && !view.exceeded && !summary.quarantined && !isUnheard && summary.waitingFor.length > 0 && (
        <span className={classes.waitingFor} title={summary.waitingFor.join("\n")}>
          <Words text={summary.waitingFor[0] ?? ""} isPlain />
          {summary.waitingFor.length > 1 && ` and ${summary.waitingFor.length - 1} more`}
        </span>
      )}
      {asking !== undefined && !isOver && (
        <Button
          size="compact-sm"
          leftSection={<MessageCircleQuestion size={13} />}
          onClick={() => answer(asking)}
          data-testid="run-answer"
        >
          Answer
        </Button>
      )}
      <div className={classes.headerActions}>
        {!isOver && (
          <>
            {view.exceeded || summary.quarantined ? null : summary.status === "paused" ? (
              <Button
                variant="default"
                size="compact-sm"
                leftSection={<Play size={13} />}
                disabled={isBusy || whyNotResume !== null}
                title={whyNotResume ?? undefined}
                onClick={() =>
                  void act("The run does not go on", () => callAt(where, "run_resume", { run: summary.id }))
                }
                data-testid="run-resume"
              >
                Resume
              </Button>
            ) : (
              <Tooltip
                label={whyNotPause ?? "Running steps finish, no further one starts"}
                multiline
                maw={320}
              >
                <Button
                  variant="default"
                  size="compact-sm"
                  leftSection={<Pause size={13} />}
                  disabled={isBusy || whyNotPause !== null}
                  title={whyNotPause ?? undefined}
                  onClick={() =>
                    void act("The run is not paused", () => callAt(where, "run_pause", { run: summary.id }))
                  }
                  data-testid="run-pause"
                >
                  Pause
                </Button>
              </Tooltip>
            )}
            <Menu position="bottom-end">
              <Menu.Target>
                <Button
                  variant="default"
                  size="compact-sm"
                  leftSection={<CircleStop size={13} />}
                  rightSection={<ChevronDown size={12} />}
                  disabled={isBusy || whyNotCancel !== null}
                  title={whyNotCancel ?? undefined}
                  data-testid="run-cancel"
                >
                  Stop
                </Button>
              </Menu.Target>
              <Menu.Dropdown>
                <Menu.Item
                  leftSection={<CircleStop size={14} />}
                  onClick={() => void cancel(false)}
                  data-testid="run-cancel-plain"
                >
                  Stop, leave what was done
                </Menu.Item>
                <Menu.Item
                  leftSection={<Undo2 size={14} />}
                  onClick={() => void cancel(true)}
                  data-testid="run-cancel-undo"
                >
                  Stop and undo what was done
                </Menu.Item>
              </Menu.Dropdown>
            </Menu>
          </>
        )}
        <Tooltip label="The same version with the same input">
          <Button
            variant="default"
            size="compact-sm"
            leftSection={<RotateCw size={13} />}
            disabled={isBusy || whyNotStart !== null}
            title={whyNotStart ?? undefined}
            onClick={() =>
              void act("The run did not start", () =>
                launchRun({
                  document: view.document,
                  path: summary.path ?? null,
                  input: view.input ?? {},
                  target: where,
                }),
              )
            }
            data-testid="run-again"
          >
            Run again
          </Button>
        </Tooltip>
        <Tooltip label="Back to editing">
          <ActionIcon aria-label="Close the run" onClick={closeRun} data-testid="run-close">
            <X size={16} />
          </ActionIcon>
        </Tooltip>
      </div>
    </header>
  );
}
