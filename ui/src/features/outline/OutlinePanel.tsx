import { ChevronDown, ListTree } from "lucide-react";
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import { runCommand } from "../../app/commands";
import { useCatalog } from "../../backend/queries";
import type { Step } from "../../bindings/Step";
import { iconOf } from "../../components/icons";
import { PanelEmpty, PanelFrame } from "../../components/Panel";
import { StatusBadge } from "../../components/StatusBadge";
import { severityLooks, stepLooks } from "../../components/status";
import { type Graph, inOrder, splitFrom, titleOf } from "../../state/document";
import { useEditor } from "../../state/editor";
import { useCanvas } from "../canvas/canvas-store";
import { stepMarks } from "../canvas/run-marks";
import { useShown } from "../canvas/shown";
import classes from "./OutlinePanel.module.css";

type Row = {
  step: Step;
  level: number;
  position: number;
  count: number;
  waitsFor: string[];
  isContainer: boolean;
};

function rowsOf(graph: Graph, closed: ReadonlySet<string>, level = 1): Row[] {
  const names = new Map(graph.steps.map((step) => [step.id, titleOf(step)]));
  const ordered = inOrder(graph);
  return ordered.flatMap((step, index) => {
    const waitsFor = graph.edges
      .filter((edge) => edge.to === step.id)
      .map((edge) => {
        const { step: source, port } = splitFrom(edge.from);
        const name = names.get(source) ?? source;
        const how = edge.on === "error" ? " (on error)" : port === null ? "" : ` (${port})`;
        return name + how;
      });
    const row: Row = {
      step,
      level,
      position: index + 1,
      count: ordered.length,
      waitsFor,
      isContainer: step.body !== undefined,
    };
    const inner = step.body && !closed.has(step.id) ? rowsOf(step.body, closed, level + 1) : [];
    return [row, ...inner];
  });
}

/** The canvas as a tree: every step in the order in which it can run, with its state and its problems. */
export default function OutlinePanel() {
  const { doc, check, run } = useShown();
  const catalog = useCatalog();
  const selection = useEditor((editor) => editor.selection.steps);
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const [active, setActive] = useState<string | null>(null);
  const tree = useRef<HTMLDivElement>(null);
  const rows = useMemo(() => (doc ? rowsOf(doc, closed) : []), [doc, closed]);
  const views = useMemo(() => stepMarks(run), [run]);
  const [selected] = selection;
  const current = rows.some((row) => row.step.id === active) ? active : (rows[0]?.step.id ?? null);

  useEffect(() => {
    if (selected !== undefined) setActive(selected);
  }, [selected]);

  function show(id: string): void {
    setActive(id);
    useEditor.getState().select({ steps: [id] });
    useCanvas.getState().api?.reveal([id]);
    tree.current?.querySelector<HTMLElement>(`[data-row="${id}"]`)?.focus();
  }

  function toggle(id: string): void {
    const next = new Set(closed);
    if (!next.delete(id)) next.add(id);
    setClosed(next);
  }

  function onKeyDown(event: KeyboardEvent): void {
    const index = rows.findIndex((row) => row.step.id === current);
    const row = rows[index];
    if (!row) return;
    const go = (at: number) => {
      const next = rows[Math.max(0, Math.min(rows.length - 1, at))];
      if (next) show(next.step.id);
    };
    const isClosed = closed.has(row.step.id);
    switch (event.key) {
      case "ArrowDown":
        go(index + 1);
        break;
      case "ArrowUp":
        go(index - 1);
        break;
      case "Home":
        go(0);
        break;
      case "End":
        go(rows.length - 1);
        break;
      case "ArrowRight":
        if (row.isContainer && isClosed) toggle(row.step.id);
        else if (row.isContainer) go(index + 1);
        break;
      case "ArrowLeft":
        if (row.isContainer && !isClosed) toggle(row.step.id);
        else {
          const holder = rows.slice(0, index).findLastIndex((each) => each.level < row.level);
          if (holder >= 0) go(holder);
        }
        break;
      case "Enter":
        show(row.step.id);
        runCommand("configure");
        break;
      case "Delete":
        show(row.step.id);
        runCommand("delete");
        break;
      default:
        return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  return (
    <PanelFrame title="Outline">
      {rows.length === 0 ? (
        <PanelEmpty
          icon={<ListTree size={20} />}
          title="No steps yet"
          hint="Every step of the canvas is listed here as well."
        />
      ) : (
        <div
          ref={tree}
          role="tree"
          aria-label="Steps of the workflow"
          className={classes.tree}
          onKeyDown={onKeyDown}
        >
          {rows.map(({ step, level, position, count, waitsFor, isContainer }) => {
            const kind = catalog.get(step.kind);
            const Icon = iconOf(kind?.icon);
            const view = views.get(step.id);
            const problem = run ? undefined : check?.problems.find((each) => each.place.step === step.id);
            const look = problem && severityLooks[problem.severity];
            const ProblemIcon = look?.icon;
            return (
              <div
                key={step.id}
                role="treeitem"
                aria-level={level}
                aria-posinset={position}
                aria-setsize={count}
                aria-selected={selection.includes(step.id)}
                aria-expanded={isContainer ? !closed.has(step.id) : undefined}
                aria-label={[
                  titleOf(step),
                  kind?.title ?? step.kind,
                  waitsFor.length > 0 ? `after ${waitsFor.join(", ")}` : "",
                  view ? stepLooks[view.status].label : "",
                  problem ? `${look?.label}: ${problem.message}` : "",
                  step.disabled ? "disabled" : "",
                ]
                  .filter(Boolean)
                  .join(", ")}
                tabIndex={step.id === current ? 0 : -1}
                data-row={step.id}
                className={classes.row}
                style={{ paddingLeft: 10 + (level - 1) * 20 }}
                onClick={() => show(step.id)}
                onDoubleClick={() => runCommand("configure")}
                onKeyDown={() => undefined}
              >
                <span className={classes.twist} aria-hidden>
                  {isContainer && (
                    <ChevronDown
                      size={14}
                      data-closed={closed.has(step.id) || undefined}
                      onClick={(event) => {
                        event.stopPropagation();
                        toggle(step.id);
                      }}
                    />
                  )}
                </span>
                <Icon size={15} color={`var(--bt-cat-${kind?.category ?? "systems"})`} aria-hidden />
                {/* The spaces keep the words apart for whoever hears them. */}
                <span className={classes.title}>{titleOf(step)}</span>{" "}
                <span className={classes.kind}>{kind?.title ?? step.kind}</span>{" "}
                <span className={classes.after}>{waitsFor.length > 0 && `after ${waitsFor.join(", ")}`}</span>{" "}
                {view && <StatusBadge look={stepLooks[view.status]} size="sm" />}
                {look && ProblemIcon && (
                  <ProblemIcon size={15} color={`var(--bt-${look.tone})`} aria-hidden />
                )}
              </div>
            );
          })}
        </div>
      )}
    </PanelFrame>
  );
}
