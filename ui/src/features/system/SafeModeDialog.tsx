/** Safe mode: what happened, which runs are set aside, and the ways on. */
import { Button, Group, Modal, Stack } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { CircleCheck, CircleDot, CircleX, Play, ShieldAlert, ShieldCheck } from "lucide-react";
import { useState } from "react";
import { call } from "../../backend/call";
import { keys, safeModeQuery } from "../../backend/queries";
import type { QuarantinedRun } from "../../bindings/QuarantinedRun";
import type { StartView } from "../../bindings/StartView";
import { PanelError, PanelSkeleton, sentence } from "../../components/Panel";
import { ask } from "../../state/ask";
import { useRun } from "../../state/run";
import { useSystem } from "../../state/system";
import { tellError } from "../../state/tell";
import { useView } from "../../state/view";
import { formatExact } from "../runs/time";
import classes from "./system.module.css";
import { useLeaveSafeMode } from "./use-leave-safe-mode";

export function SafeModeDialog() {
  const isOpen = useSystem((system) => system.dialog === "safe-mode");
  const close = useSystem((system) => system.close);
  return (
    <Modal opened={isOpen} onClose={close} title="Safe mode" size="lg" centered>
      {isOpen && <Content />}
    </Modal>
  );
}

function Content() {
  const { data: view, error, refetch } = useQuery({ ...safeModeQuery, staleTime: 0 });
  const { leave, isBusy } = useLeaveSafeMode();
  if (error) return <PanelError error={error} onRetry={() => void refetch()} />;
  if (!view) return <PanelSkeleton rows={4} />;
  return (
    <Stack gap="md" data-testid="safe-mode-dialog">
      <div className={classes.item}>
        {view.isActive ? <ShieldAlert size={18} aria-hidden /> : <ShieldCheck size={18} aria-hidden />}
        <span className={classes.words}>
          {view.isActive ? (
            <>
              <b>Baton is in safe mode.</b> {sentence(view.reason ?? "")}. Triggers rest
              {view.waitingRuns > 0 &&
                `, and ${view.waitingRuns === 1 ? "one open run waits" : `${view.waitingRuns} open runs wait`} for you`}
              .
            </>
          ) : (
            <>
              <b>Baton is not in safe mode.</b> It would be after three unexpected ends within ten minutes.
            </>
          )}
        </span>
        {view.isActive && (
          <Button size="compact-sm" disabled={isBusy} onClick={() => void leave()} data-autofocus>
            Leave safe mode
          </Button>
        )}
      </div>
      <div className={classes.group}>
        <h3>Runs that are set aside</h3>
        <p className={classes.help}>
          Baton ended while it took them up. They stay aside at every start until you let them go on or stop
          them.
        </p>
        {view.quarantined.length === 0 && <p className={classes.help}>None.</p>}
        {view.quarantined.map((run) => (
          <Aside key={run.run} run={run} />
        ))}
      </div>
      <div className={classes.group}>
        <h3>The last starts</h3>
        <table className={classes.starts}>
          <thead>
            <tr>
              <th>Started</th>
              <th>Ended</th>
              <th>Version</th>
            </tr>
          </thead>
          <tbody>
            {view.starts.map((start) => (
              <tr key={start.at}>
                <td>{formatExact(start.at)}</td>
                <td>
                  <StartEnd start={start} />
                </td>
                <td>{start.version}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Stack>
  );
}

function StartEnd({ start }: { start: StartView }) {
  const [icon, words] = start.isCurrent
    ? [<CircleDot key="icon" size={13} aria-hidden />, "this one"]
    : start.endedAt !== undefined
      ? [<CircleCheck key="icon" size={13} aria-hidden />, "properly"]
      : [
          <CircleX key="icon" size={13} aria-hidden />,
          start.takingUp === undefined
            ? "unexpectedly"
            : start.takingUp === "all"
              ? "unexpectedly, while open runs were taken up"
              : `unexpectedly, while run ${start.takingUp.slice(0, 8)} was taken up`,
        ];
  return (
    <span className={classes.state}>
      {icon}
      {words}
    </span>
  );
}

function Aside({ run }: { run: QuarantinedRun }) {
  const client = useQueryClient();
  const [isBusy, setBusy] = useState(false);
  const act = async (title: string, action: () => Promise<unknown>) => {
    setBusy(true);
    try {
      await action();
      await client.invalidateQueries({ queryKey: keys.safeMode });
    } catch (thrown) {
      tellError(title, thrown);
    } finally {
      setBusy(false);
    }
  };
  const stop = async () => {
    const answer = await ask({
      title: `Stop run ${run.number}?`,
      text: "It is not taken up any more. What was done stays as it is.",
      answers: [{ value: "stop", label: "Stop the run", look: "danger" }],
    });
    if (answer === "stop") {
      await act("The run was not stopped", () => call("run_cancel", { run: run.run, undo: false }));
    }
  };
  const open = () => {
    useSystem.getState().close();
    useView.getState().setPage("editor");
    useView.getState().showPanel("bottom", "run");
    void useRun.getState().openRun(run.run);
  };
  return (
    <div className={classes.item} data-testid={`aside-${run.number}`}>
      <span className={classes.words}>
        <b>
          Run {run.number} · {run.workflowName}
        </b>
        <br />
        {sentence(run.reason)}.
      </span>
      <Group gap={6}>
        <Button size="compact-sm" variant="subtle" color="gray" onClick={open}>
          Look at it
        </Button>
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<Play size={13} />}
          disabled={isBusy}
          onClick={() => void act("The run does not go on", () => call("run_release", { run: run.run }))}
        >
          Let it go on
        </Button>
        <Button size="compact-sm" variant="light" color="red" disabled={isBusy} onClick={() => void stop()}>
          Stop it
        </Button>
      </Group>
    </div>
  );
}
