// biome-ignore-all lint/a11y/useSemanticElements: SVG has no buttons and no field sets.
/** When each step ran: a bar by step, drawn as SVG. */
import { useElementSize } from "@mantine/hooks";
import { useMemo } from "react";
import type { RunView } from "../../bindings/RunView";
import { stepLooks } from "../../components/status";
import { findStep, titleOf } from "../../state/document";
import { useEditor } from "../../state/editor";
import { hasEnded } from "../../state/run";
import { type RunRow, splitPath } from "./run-rows";
import classes from "./runs.module.css";
import { useRunSelection } from "./selection";
import { formatDuration } from "./time";
import { barsOf, MAX_BARS, ticksOf } from "./timeline";
import { useNow } from "./use-now";

const ROW = 24;
const AXIS = 22;
const LABELS = 168;

interface TimelineProps {
  view: RunView;
  rows: readonly RunRow[];
  path: string | null;
}

export default function Timeline({ view, path }: TimelineProps) {
  const { ref, width } = useElementSize<HTMLDivElement>();
  const select = useEditor((editor) => editor.select);
  const setPath = useRunSelection((state) => state.setPath);
  const setBody = useRunSelection((state) => state.setBody);
  const isOver = hasEnded(view.status);
  const clock = useNow(1_000, !isOver && view.seq === view.summary.seq);
  const isLive = !isOver && view.seq === view.summary.seq;
  const now = isLive ? Math.max(clock, view.at) : view.at;
  const bars = useMemo(() => barsOf(view, now), [view, now]);
  if (bars.length === 0) {
    return <p className={classes.quietBlock}>No step has started yet.</p>;
  }
  const start = Math.min(view.summary.startedAt, ...bars.slice(0, 1).map((bar) => bar.from));
  const end = Math.max(now, ...bars.map((bar) => bar.to));
  const span = Math.max(1, end - start);
  const room = Math.max(120, (width || 700) - LABELS - 70);
  const x = (at: number) => LABELS + ((at - start) / span) * room;
  const shown = bars.slice(0, MAX_BARS);
  const height = AXIS + shown.length * ROW + 8;
  const pick = (target: string) => {
    for (const found of target.matchAll(/\[(\d+)\]\//g)) {
      setBody(target.slice(0, found.index), Number(found[1]));
    }
    setPath(target);
    select({ steps: [splitPath(target).id] });
  };
  return (
    <div className={classes.timeline} ref={ref}>
      <svg width={Math.max(300, width || 700)} height={height} role="group" aria-label="Timeline of the run">
        {ticksOf(span, Math.max(2, Math.floor(room / 90))).map((tick) => (
          <g key={tick}>
            <line
              x1={x(start + tick)}
              x2={x(start + tick)}
              y1={AXIS - 4}
              y2={height}
              className={classes.tick}
            />
            <text x={x(start + tick)} y={12} className={classes.tickText} textAnchor="middle">
              {tick === 0 ? "0" : formatDuration(tick)}
            </text>
          </g>
        ))}
        {shown.map((bar, index) => {
          const look = stepLooks[bar.view.status];
          const { prefix, id } = splitPath(bar.path);
          const step = findStep(view.document, id);
          const body = /\[(\d+)\]\/$/.exec(prefix)?.[1];
          const title = `${step ? titleOf(step) : id}${body === undefined ? "" : ` · ${Number(body) + 1}`}`;
          const y = AXIS + index * ROW;
          const left = x(bar.from);
          const length = Math.max(3, x(bar.to) - left);
          const duration = formatDuration(bar.to - bar.from);
          const Icon = look.icon;
          return (
            <g
              key={bar.path}
              role="button"
              tabIndex={0}
              className={classes.bar}
              data-active={bar.path === path || undefined}
              onClick={() => pick(bar.path)}
              onKeyDown={(event) => {
                if (event.key === "Enter" || event.key === " ") {
                  event.preventDefault();
                  pick(bar.path);
                }
              }}
            >
              <rect x={0} y={y} width="100%" height={ROW} className={classes.barRow} rx={4} />
              <Icon x={8} y={y + 5} width={14} height={14} color={`var(--bt-${look.tone})`} />
              <text x={28} y={y + 16} className={classes.barLabel}>
                {title.length > 22 ? `${title.slice(0, 21)}…` : title}
              </text>
              <rect
                x={left}
                y={y + 6}
                width={length}
                height={ROW - 12}
                rx={3}
                fill={`var(--bt-${look.tone})`}
                opacity={bar.isOpen ? 0.55 : 0.9}
              />
              <text x={left + length + 6} y={y + 16} className={classes.barTime}>
                {duration}
                {bar.view.attempt > 1 ? ` · ${bar.view.attempt} attempts` : ""}
              </text>
              <title>{`${title}: ${look.label}, ${duration}`}</title>
            </g>
          );
        })}
      </svg>
      {bars.length > shown.length && (
        <p className={classes.quietBlock}>
          and {(bars.length - shown.length).toLocaleString("en")} more, see the list of steps
        </p>
      )}
    </div>
  );
}
