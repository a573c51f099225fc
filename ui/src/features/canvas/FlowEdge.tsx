import { BaseEdge, type Edge, EdgeLabelRenderer, type EdgeProps } from "@xyflow/react";
import { Plus } from "lucide-react";
import { memo } from "react";
import type { EdgeView } from "../../bindings/EdgeView";
import { useCanvas } from "./canvas-store";
import classes from "./FlowEdge.module.css";
import { between, middleOf, pathOfRoute } from "./routing";
import type { SceneEdge } from "./scene";

export type FlowEdgeContent = {
  shown: SceneEdge;
  mark: EdgeView | undefined;
  isRun: boolean;
  isLocked: boolean;
  severity: string | undefined;
};
export type CardEdge = Edge<FlowEdgeContent, "flow">;

/** The condition of an edge without its braces. */
function conditionOf(when: string): string {
  return when.replace(/^\s*\{%\s*/, "").replace(/\s*%\}\s*$/, "");
}

/** An edge: plain, from a port, on error, or conditional; in a run, taken or not. */
export const FlowEdge = memo(function FlowEdge({
  id,
  data,
  sourceX,
  sourceY,
  targetX,
  targetY,
  selected,
}: EdgeProps<CardEdge>) {
  const isHovered = useCanvas((canvas) => canvas.hoveredEdge === id);
  const isDropTarget = useCanvas((canvas) => canvas.dropEdge === id);
  if (!data) return null;
  const { edge, parent } = data.shown;
  const route = between(data.shown.route, [sourceX, sourceY], [targetX, targetY]);
  const [x, y] = middleOf(route);
  const state = data.mark ? (data.mark.taken ? "taken" : "not-taken") : data.isRun ? "open" : undefined;
  const words = [
    edge.on === "error" ? "on error" : edge.on === "always" ? "always" : null,
    edge.label ?? null,
  ].filter((each) => each !== null);
  const canInsert = isHovered && !data.isLocked;
  const hasLabel = words.length > 0 || edge.when !== undefined || canInsert || isDropTarget;
  return (
    <>
      <BaseEdge
        id={id}
        path={pathOfRoute(route)}
        interactionWidth={22}
        className={classes.edge ?? ""}
        data-on={edge.on}
        data-state={state}
        data-selected={selected || undefined}
        data-drop={isDropTarget || undefined}
        data-severity={data.severity}
        markerEnd="url(#bt-arrow)"
      />
      {hasLabel && (
        <EdgeLabelRenderer>
          <div
            className={classes.label}
            style={{
              transform: `translate(-50%, -50%) translate(${x}px, ${y}px)`,
              // Words stay between the cards, unless there is no room at all.
              maxWidth: Math.max(56, Math.min(220, Math.abs(targetX - sourceX) - 20)),
            }}
            data-state={state}
          >
            {words.map((word) => (
              <span key={word} className={classes.word} data-on={edge.on}>
                {word}
              </span>
            ))}
            {edge.when !== undefined && (
              <span className={classes.when} title={`Taken if ${conditionOf(edge.when)}`}>
                if {conditionOf(edge.when)}
              </span>
            )}
            {(canInsert || isDropTarget) && (
              <button
                type="button"
                tabIndex={-1}
                className={`${classes.insert} nopan`}
                aria-label="Insert a step here"
                onPointerEnter={() => useCanvas.setState({ hoveredEdge: id })}
                onClick={(event) => {
                  event.stopPropagation();
                  const box = event.currentTarget.getBoundingClientRect();
                  useCanvas.setState({ search: { screen: [box.right + 8, box.top], parent, edge: id } });
                }}
              >
                <Plus size={14} aria-hidden />
              </button>
            )}
          </div>
        </EdgeLabelRenderer>
      )}
    </>
  );
});
