import type { Node } from "@xyflow/react";
import type { Problem } from "../../bindings/Problem";
import type { StepView } from "../../bindings/StepView";
import type { Item } from "./scene";

export type CardContent = {
  item: Item;
  problems: readonly Problem[];
  /** What the chosen target does otherwise. */
  targetProblems: readonly Problem[];
  view: StepView | undefined;
  /** Handles that an edge leaves from. */
  used: ReadonlySet<string>;
  isLocked: boolean;
  isDropTarget: boolean;
};

export type CardNode = Node<CardContent, "step" | "container" | "note">;

const SIDES = { left: "left", right: "right", bottom: "bottom" } as const;
const NO_PROBLEMS: readonly Problem[] = [];
const NONE_USED: ReadonlySet<string> = new Set();

type Inputs = {
  items: readonly Item[];
  problems: ReadonlyMap<string, readonly Problem[]>;
  targetProblems: ReadonlyMap<string, readonly Problem[]>;
  views: ReadonlyMap<string, StepView>;
  used: ReadonlyMap<string, ReadonlySet<string>>;
  selected: ReadonlySet<string>;
  isLocked: boolean;
  dropContainer: string | null;
};

function sameSet(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  if (a.size !== b.size) return false;
  for (const each of a) if (!b.has(each)) return false;
  return true;
}

function sameItem(a: Item, b: Item): boolean {
  return (
    a.step === b.step &&
    a.note === b.note &&
    a.at[0] === b.at[0] &&
    a.at[1] === b.at[1] &&
    a.w === b.w &&
    a.h === b.h &&
    a.parent === b.parent &&
    a.type === b.type &&
    a.kind === b.kind &&
    (a.facts === b.facts ||
      (a.facts?.summary === b.facts?.summary &&
        a.facts?.isKnown === b.facts?.isKnown &&
        a.facts?.effect === b.facts?.effect)) &&
    a.ports.length === b.ports.length &&
    a.ports.every((port, index) => port.name === b.ports[index]?.name && port.title === b.ports[index]?.title)
  );
}

function sameProblems(a: readonly Problem[], b: readonly Problem[]): boolean {
  return (
    a.length === b.length &&
    a.every(
      (each, index) =>
        each.code === b[index]?.code &&
        each.message === b[index]?.message &&
        each.severity === b[index]?.severity,
    )
  );
}

/**
 * Makes React Flow's nodes, handing out the same object for a card that did not change: React then draws only
 * what did, whatever the size of the document.
 */
export function createNodeMaker(): (inputs: Inputs) => CardNode[] {
  let known = new Map<string, CardNode>();
  return ({ items, problems, targetProblems, views, used, selected, isLocked, dropContainer }) => {
    const next = new Map<string, CardNode>();
    const mounted = new Set(items.map((item) => item.id));
    for (const item of items) {
      const before = known.get(item.id);
      const stepProblems = problems.get(item.id) ?? NO_PROBLEMS;
      const stepTargetProblems = targetProblems.get(item.id) ?? NO_PROBLEMS;
      const view = views.get(item.id);
      const usedHandles = used.get(item.id) ?? NONE_USED;
      const isSelected = selected.has(item.id);
      const isDropTarget = dropContainer === item.id;
      const data = before?.data;
      const isSameData =
        data !== undefined &&
        sameItem(data.item, item) &&
        sameProblems(data.problems, stepProblems) &&
        sameProblems(data.targetProblems, stepTargetProblems) &&
        data.view === view &&
        sameSet(data.used, usedHandles) &&
        data.isLocked === isLocked &&
        data.isDropTarget === isDropTarget;
      if (isSameData && before && before.selected === isSelected) {
        next.set(item.id, before);
        continue;
      }
      const parent = item.parent !== null && mounted.has(item.parent) ? item.parent : null;
      next.set(item.id, {
        id: item.id,
        type: item.type,
        position: parent === null ? { x: item.x, y: item.y } : { x: item.at[0], y: item.at[1] },
        ...(parent === null ? {} : { parentId: parent }),
        width: item.w,
        height: item.h,
        measured: { width: item.w, height: item.h },
        handles: item.handles.map((handle) => ({
          id: handle.id,
          type: handle.type,
          position: SIDES[handle.side] as never,
          x: handle.x - 6,
          y: handle.y - 6,
          width: 12,
          height: 12,
        })),
        selected: isSelected,
        draggable: !isLocked,
        connectable: !isLocked,
        // Notes lie below, containers below what they hold.
        zIndex: item.type === "note" ? -1 : item.type === "container" ? 0 : 2,
        ...(item.type === "container" ? { style: { pointerEvents: "none" as const } } : {}),
        data: isSameData
          ? data
          : {
              item,
              problems: stepProblems,
              targetProblems: stepTargetProblems,
              view,
              used: usedHandles,
              isLocked,
              isDropTarget,
            },
      });
    }
    known = next;
    return [...next.values()];
  };
}
