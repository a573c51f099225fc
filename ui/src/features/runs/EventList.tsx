/** Everything that happened, in words. A click moves the picture to that moment. */
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useMemo, useRef, useState } from "react";
import type { EventLine } from "../../bindings/EventLine";
import type { RunView } from "../../bindings/RunView";
import { PanelError, PanelSkeleton } from "../../components/Panel";
import { Words } from "../../components/Words";
import { useRun } from "../../state/run";
import classes from "./runs.module.css";
import { formatClock, formatDuration, formatExact } from "./time";
import { useRunEvents } from "./use-run-events";

interface EventListProps {
  view: RunView;
  /** Only what concerns this step, if somebody asks for that. */
  path: string | undefined;
}

function concerns(line: EventLine, path: string): boolean {
  const event = line.event;
  return "step" in event && (event.step === path || event.step.startsWith(`${path}[`));
}

const TONES: Partial<Record<EventLine["event"]["type"], string>> = {
  StepFailed: "failed",
  StepAttemptFailed: "warning",
  FailureStarted: "failed",
  UndoFailed: "failed",
  StepOutcomeUnknown: "warning",
  StepSucceeded: "succeeded",
  ApprovalRequested: "waiting",
  ApprovalDecided: "waiting",
  WaitStarted: "waiting",
};

export default function EventList({ view, path }: EventListProps) {
  const { events, error, retry } = useRunEvents(view.summary.id, view.summary.seq);
  const setSeq = useRun((run) => run.setSeq);
  const [isAll, setAll] = useState(false);
  const scroller = useRef<HTMLDivElement>(null);
  const shown = useMemo(
    () => (path === undefined || isAll ? events : events.filter((line) => concerns(line, path))),
    [events, path, isAll],
  );
  const virtual = useVirtualizer({
    count: shown.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 26,
    overscan: 12,
    initialRect: { width: 500, height: 300 },
  });
  const start = view.summary.startedAt;
  if (error && events.length === 0) {
    return <PanelError error={error} onRetry={retry} />;
  }
  if (events.length === 0) {
    return <PanelSkeleton rows={5} />;
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const by = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (by === 0) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    const at = shown.findLastIndex((line) => line.seq <= view.seq);
    const next = shown[Math.max(0, Math.min(shown.length - 1, at + by))];
    if (next) {
      setSeq(next.seq);
      virtual.scrollToIndex(shown.indexOf(next));
    }
  };
  const items = virtual.getVirtualItems();
  const current = shown.findLast((line) => line.seq <= view.seq);
  const here = items.some((item) => shown[item.index] === current) ? `event-${current?.seq}` : undefined;
  return (
    <div className={classes.events}>
      {path !== undefined && (
        <div className={classes.eventsBar}>
          <span>
            {shown.length.toLocaleString("en")} of {view.summary.seq.toLocaleString("en")} events
          </span>
          <button type="button" className={classes.textButton} onClick={() => setAll(!isAll)}>
            {isAll ? "Only this step" : "The whole run"}
          </button>
        </div>
      )}
      {shown.length === 0 && <p className={classes.quietBlock}>Nothing has happened to this step.</p>}
      <div
        ref={scroller}
        hidden={shown.length === 0}
        className={classes.eventScroll}
        tabIndex={0}
        role="listbox"
        aria-label="Events"
        aria-activedescendant={here}
        onKeyDown={onKeyDown}
      >
        <div style={{ height: virtual.getTotalSize(), position: "relative" }}>
          {items.map((item) => {
            const line = shown[item.index];
            const tone = line && TONES[line.event.type];
            return line ? (
              <div
                key={line.seq}
                id={`event-${line.seq}`}
                role="option"
                tabIndex={-1}
                aria-selected={line.seq === view.seq}
                className={classes.event}
                data-here={line.seq === view.seq || undefined}
                data-later={line.seq > view.seq || undefined}
                style={{ transform: `translateY(${item.start}px)` }}
                title={`${formatExact(line.at)}\n${line.event.type}`}
                onClick={() => setSeq(line.seq)}
                onKeyDown={() => undefined}
              >
                <span className={classes.eventSeq}>{line.seq}</span>
                <span className={classes.eventTime}>{formatClock(line.at)}</span>
                <span className={classes.eventSince}>+{formatDuration(line.at - start)}</span>
                <span
                  className={classes.eventDot}
                  style={tone ? { background: `var(--bt-${tone})` } : undefined}
                  aria-hidden="true"
                />
                <span className={classes.eventText}>
                  <Words text={line.text} />
                </span>
              </div>
            ) : null;
          })}
        </div>
      </div>
    </div>
  );
}
