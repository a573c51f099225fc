/** The steps of a run in order; a click selects the step on the canvas too. */
import { ActionIcon, NumberInput, Tooltip } from "@mantine/core";
import { ChevronLeft, ChevronRight, CircleX } from "lucide-react";
import { type KeyboardEvent, useEffect, useRef } from "react";
import { useCatalog } from "../../backend/queries";
import type { RunView } from "../../bindings/RunView";
import { iconOf } from "../../components/icons";
import { idleLook, stepLooks } from "../../components/status";
import { titleOf } from "../../state/document";
import { useEditor } from "../../state/editor";
import { hasEnded, useRun } from "../../state/run";
import { durationOf, type RunRow } from "./run-rows";
import classes from "./runs.module.css";
import StatusMark from "./StatusMark";
import { useRunSelection } from "./selection";
import { formatDuration } from "./time";
import { useNow } from "./use-now";

export default function RunSteps({ view, rows }: { view: RunView; rows: readonly RunRow[] }) {
  const select = useEditor((editor) => editor.select);
  const path = useRunSelection((state) => state.path);
  const setPath = useRunSelection((state) => state.setPath);
  const list = useRef<HTMLUListElement>(null);
  const now = useNow(1_000, !hasEnded(view.status));
  // biome-ignore lint/correctness/useExhaustiveDependencies: only another step moves the list.
  useEffect(() => {
    list.current?.querySelector('[data-active="true"]')?.scrollIntoView({ block: "nearest" });
  }, [path]);
  const pick = (row: RunRow | null) => {
    setPath(row?.path ?? null);
    select(row ? { steps: [row.step.id] } : {});
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const by = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (by === 0 || (event.target as HTMLElement).tagName === "INPUT") {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    const at = rows.findIndex((row) => row.path === path);
    const next = Math.max(-1, Math.min(rows.length - 1, at + by));
    pick(rows[next] ?? null);
    list.current?.querySelectorAll<HTMLElement>("[data-row]")[next + 1]?.focus();
  };
  return (
    <ul className={classes.steps} ref={list} onKeyDown={onKeyDown} aria-label="Steps of the run">
      <li>
        <button
          type="button"
          aria-current={path === null}
          tabIndex={path === null ? 0 : -1}
          data-row
          className={classes.step}
          data-active={path === null || undefined}
          onClick={() => pick(null)}
        >
          <span className={classes.stepTitle}>
            <b>Whole run</b>
          </span>
          <span className={classes.stepTime}>
            {view.summary.stepsDone} of {view.summary.stepsTotal}
          </span>
        </button>
      </li>
      {rows.map((row) => (
        <StepLine
          key={row.path}
          row={row}
          isActive={row.path === path}
          now={Math.max(now, view.at)}
          onPick={() => pick(row)}
        />
      ))}
    </ul>
  );
}

interface StepLineProps {
  row: RunRow;
  isActive: boolean;
  now: number;
  onPick: () => void;
}

function StepLine({ row, isActive, now, onPick }: StepLineProps) {
  const kinds = useCatalog();
  const Icon = iconOf(kinds.get(row.step.kind)?.icon);
  const look = row.view ? stepLooks[row.view.status] : idleLook;
  const duration = durationOf(row.view, now);
  const attempts = row.view && row.view.attempt > 1 ? `attempt ${row.view.attempt}` : null;
  return (
    <li>
      <button
        type="button"
        aria-current={isActive}
        tabIndex={isActive ? 0 : -1}
        data-row
        data-testid={`run-step-${row.path}`}
        data-status={row.view?.status ?? "idle"}
        data-active={isActive || undefined}
        className={classes.step}
        style={{ paddingLeft: 10 + row.depth * 16 }}
        onClick={onPick}
        title={row.view?.note}
      >
        <StatusMark look={look} hasWord={false} />
        <Icon size={13} className={classes.kindIcon} aria-hidden="true" />
        <span className={classes.stepTitle} data-idle={row.view ? undefined : true}>
          {titleOf(row.step)}
        </span>
        {attempts && <span className={classes.attempt}>{attempts}</span>}
        <span className={classes.stepTime}>{duration === null ? "" : formatDuration(duration)}</span>
      </button>
      {row.view?.iterations && row.view.iterations.total > 1 && <BodyPicker row={row} />}
    </li>
  );
}

/** `3 of 120`, and the way to what failed. */
function BodyPicker({ row }: { row: RunRow }) {
  const setBody = useRunSelection((state) => state.setBody);
  const iterations = row.view?.iterations;
  const index = row.index ?? 0;
  if (!iterations) {
    return null;
  }
  const last = Math.max(0, iterations.started - 1);
  const go = (to: number) => {
    const body = Math.max(0, Math.min(last, to));
    setBody(row.path, body);
    useRun.getState().showBody(`${row.path}[${body}]`);
  };
  const nextFailed = iterations.failed.find((one) => one > index) ?? iterations.failed[0];
  return (
    <div className={classes.bodies} style={{ paddingLeft: 26 + row.depth * 16 }}>
      <ActionIcon size="xs" aria-label="Item before" disabled={index <= 0} onClick={() => go(index - 1)}>
        <ChevronLeft size={13} />
      </ActionIcon>
      <NumberInput
        size="xs"
        hideControls
        aria-label={`Item of ${titleOf(row.step)}`}
        className={classes.bodyNumber ?? ""}
        min={1}
        max={last + 1}
        value={index + 1}
        onChange={(next) => go((Number(next) || 1) - 1)}
        data-testid={`body-${row.path}`}
      />
      <span className={classes.quiet}>of {iterations.total.toLocaleString("en")}</span>
      <ActionIcon size="xs" aria-label="Next item" disabled={index >= last} onClick={() => go(index + 1)}>
        <ChevronRight size={13} />
      </ActionIcon>
      <span className={classes.grow} />
      {iterations.failed.length > 0 && nextFailed !== undefined && (
        <Tooltip label="Go to the next item that failed">
          <button type="button" className={classes.failedItems} onClick={() => go(nextFailed)}>
            <CircleX size={12} aria-hidden="true" /> {iterations.failed.length} failed
          </button>
        </Tooltip>
      )}
    </div>
  );
}
