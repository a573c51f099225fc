// biome-ignore-all lint/a11y/useSemanticElements: the list holds buttons in rows, styled as one.
/** All runs, newest first. */
import { ActionIcon, Select, TextInput, Tooltip } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { History, Search, ShieldAlert, X } from "lucide-react";
import { type KeyboardEvent, useState } from "react";
import { runListQuery } from "../../backend/queries";
import type { RunStatus } from "../../bindings/RunStatus";
import type { RunSummary } from "../../bindings/RunSummary";
import { Pager } from "../../components/Pager";
import { PanelEmpty, PanelError, PanelSkeleton, sentence } from "../../components/Panel";
import { runLooks } from "../../components/status";
import { Words } from "../../components/Words";
import { useEditor } from "../../state/editor";
import { hasEnded, runName, useRun } from "../../state/run";
import { useTargets } from "../../state/targets";
import { useView } from "../../state/view";
import { useWhere, Where } from "../../state/where";
import StatusMark from "../runs/StatusMark";
import { formatDuration, formatExact, formatRelative } from "../runs/time";
import { useNow } from "../runs/use-now";
import { PlaceLine } from "../targets/PlaceLine";
import Cause from "../triggers/Cause";
import classes from "./history.module.css";

const PAGE = 50;
const STATES = (Object.keys(runLooks) as RunStatus[]).map((value) => ({
  value,
  label: runLooks[value].label,
}));

/** Runs of the chosen target. Another one starts anew: nothing of one stands in for the other while it is read. */
export default function HistoryPanel() {
  const chosen = useTargets((targets) => targets.chosen);
  return (
    <Where.Provider value={chosen} key={chosen}>
      <Runs />
    </Where.Provider>
  );
}

function Runs() {
  const workflow = useEditor((editor) => editor.doc?.id);
  const where = useWhere();
  const openId = useRun((run) => (run.target === where ? run.runId : null));
  const [typed, setTyped] = useState("");
  const [search] = useDebouncedValue(typed.trim(), 250);
  const [status, setStatus] = useState<RunStatus | null>(null);
  const [scope, setScope] = useState<string>("this");
  const [page, setPage] = useState(0);
  const isThis = scope === "this" && workflow !== undefined;
  const runs = useQuery({
    ...runListQuery(where, {
      limit: PAGE,
      offset: page * PAGE,
      ...(isThis ? { workflow } : {}),
      ...(status ? { status } : {}),
      ...(search ? { search } : {}),
    }),
    placeholderData: keepPreviousData,
  });
  const list = runs.data?.runs ?? [];
  const total = runs.data?.total ?? 0;
  const isFiltered = search !== "" || status !== null;
  const now = useNow(list.some((run) => !hasEnded(run.status)) ? 1_000 : 30_000);
  const restart = () => setPage(0);
  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    const by = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (by !== 0) {
      event.preventDefault();
      event.stopPropagation();
      const all = [...event.currentTarget.querySelectorAll<HTMLElement>("button[data-run]")];
      all[all.indexOf(event.target as HTMLElement) + by]?.focus();
    }
  };
  return (
    <section className={classes.panel} aria-label="History" data-testid="history-panel">
      <PlaceLine target={where} />
      <div className={classes.bar}>
        <TextInput
          leftSection={<Search size={13} />}
          placeholder="Number, workflow or outcome"
          aria-label="Search runs"
          value={typed}
          onChange={(event) => {
            setTyped(event.currentTarget.value);
            restart();
          }}
          rightSection={
            typed && (
              <ActionIcon size="xs" aria-label="Clear search" onClick={() => setTyped("")}>
                <X size={12} />
              </ActionIcon>
            )
          }
          className={classes.search ?? ""}
        />
        <Select
          aria-label="State"
          placeholder="Any state"
          data={STATES}
          value={status}
          clearable
          onChange={(next) => {
            setStatus(next as RunStatus | null);
            restart();
          }}
          className={classes.filter ?? ""}
        />
        {workflow !== undefined && (
          <Select
            aria-label="Which workflows"
            data={[
              { value: "this", label: "This workflow" },
              { value: "all", label: "All workflows" },
            ]}
            value={scope}
            allowDeselect={false}
            onChange={(next) => {
              setScope(next ?? "this");
              restart();
            }}
            className={classes.filter ?? ""}
          />
        )}
      </div>
      {runs.isPending ? (
        <PanelSkeleton rows={6} />
      ) : runs.isError ? (
        <PanelError error={runs.error} onRetry={() => void runs.refetch()} />
      ) : list.length === 0 ? (
        <PanelEmpty
          icon={<History size={20} />}
          title={isFiltered ? "No run fits" : isThis ? "This workflow has not run yet" : "No runs yet"}
          hint={
            isFiltered
              ? "Look for something else, or for any state."
              : "Every run is kept here, with everything that happened in it."
          }
        />
      ) : (
        <div className={classes.list} onKeyDown={onKeyDown} role="list">
          {list.map((run) => (
            <RunLine key={run.id} run={run} now={now} isOpen={run.id === openId} hasWorkflow={!isThis} />
          ))}
        </div>
      )}
      <Pager noun="runs" page={page} size={PAGE} total={total} onPage={setPage} />
    </section>
  );
}

interface RunLineProps {
  run: RunSummary;
  now: number;
  isOpen: boolean;
  hasWorkflow: boolean;
}

function RunLine({ run, now, isOpen, hasWorkflow }: RunLineProps) {
  const where = useWhere();
  const openRun = useRun((state) => state.openRun);
  const words = run.error
    ? sentence(run.error.message)
    : (run.outcome ?? (hasEnded(run.status) ? "" : (run.waitingFor[0] ?? "")));
  const open = () => {
    useView.getState().setPage("editor");
    useView.getState().showPanel("bottom", "run");
    void openRun(run.id, where);
  };
  return (
    <div role="listitem">
      <button
        type="button"
        data-run
        data-testid={`history-run-${runName(run)}`}
        data-active={isOpen || undefined}
        className={classes.run}
        onClick={open}
      >
        <b className={classes.number}>#{runName(run)}</b>
        <span className={classes.status}>
          <StatusMark look={runLooks[run.status]} />
        </span>
        <span className={classes.words} data-failed={run.error ? true : undefined} title={words}>
          {run.quarantined && (
            <Tooltip label={sentence(run.quarantined)}>
              <span className={classes.aside} data-testid="history-set-aside">
                <ShieldAlert size={13} aria-hidden /> Set aside
              </span>
            </Tooltip>
          )}
          {hasWorkflow && <span className={classes.name}>{run.workflowName}</span>}
          <Cause run={run} />
          <Words text={words} isPlain />
        </span>
        <Tooltip label={formatExact(run.startedAt)}>
          <span className={classes.when}>{formatRelative(run.startedAt, Math.max(now, run.startedAt))}</span>
        </Tooltip>
        <span className={classes.duration}>{formatDuration((run.endedAt ?? now) - run.startedAt)}</span>
      </button>
    </div>
  );
}
