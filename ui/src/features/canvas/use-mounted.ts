import type { Viewport } from "@xyflow/react";
import { type RefObject, useCallback, useMemo, useRef, useState } from "react";
import type { Selection } from "../../state/editor";
import type { Item, Scene } from "./scene";

/** Up to so many items are all mounted, wherever they are: simple and exact. */
const ALL_MOUNTED = 160;
/** More than this would be too slow to move: nothing is mounted, the picture below shows everything. */
const MOST_MOUNTED = 300;
/** Below this zoom a large document is a picture; labels could not be read anyway. */
const FAR_ZOOM = 0.42;
const CELL = 400;

type Window = { left: number; top: number; right: number; bottom: number; isFar: boolean };

/** Part of the canvas in view with a margin, in whole cells: it changes rarely while the view moves. */
function windowOf({ x, y, zoom }: Viewport, width: number, height: number): Window {
  const down = (value: number) => Math.floor((value - 200) / CELL);
  const up = (value: number) => Math.ceil((value + 200) / CELL);
  return {
    left: down(-x / zoom),
    top: down(-y / zoom),
    right: up((width - x) / zoom),
    bottom: up((height - y) / zoom),
    isFar: zoom < FAR_ZOOM,
  };
}

function isSame(a: Window, b: Window): boolean {
  if (a.isFar && b.isFar) return true;
  return (
    a.left === b.left &&
    a.top === b.top &&
    a.right === b.right &&
    a.bottom === b.bottom &&
    a.isFar === b.isFar
  );
}

/**
 * Which items are DOM elements. React Flow gets only what is in view, with what is selected and the ends of edges
 * that are in view; far out, or where too much would be in view, it gets nothing and the picture shows all.
 */
export function useMounted(
  scene: Scene,
  selection: Selection,
  frame: RefObject<HTMLElement | null>,
): { mounted: readonly Item[]; isFar: boolean; onMove: (viewport: Viewport) => void } {
  const [view, setView] = useState<Window>({ left: -2, top: -2, right: 6, bottom: 4, isFar: false });
  const last = useRef(view);

  const onMove = useCallback(
    (viewport: Viewport) => {
      const box = frame.current;
      const next = windowOf(viewport, box?.clientWidth ?? 1_600, box?.clientHeight ?? 900);
      if (isSame(last.current, next)) return;
      last.current = next;
      setView(next);
    },
    [frame],
  );

  return useMemo(() => {
    const all = [...scene.items.values()];
    if (all.length <= ALL_MOUNTED) return { mounted: all, isFar: false, onMove };
    if (view.isFar) return { mounted: [], isFar: true, onMove };
    const inView = new Set<string>();
    for (const item of all) {
      if (
        item.x + item.w >= view.left * CELL &&
        item.x <= view.right * CELL &&
        item.y + item.h >= view.top * CELL &&
        item.y <= view.bottom * CELL
      ) {
        inView.add(item.id);
      }
    }
    if (inView.size > MOST_MOUNTED) return { mounted: [], isFar: true, onMove };
    const wanted = new Set(inView);
    if (selection.steps.length <= 100) for (const id of selection.steps) wanted.add(id);
    for (const edge of scene.edges) {
      if (inView.has(edge.source)) wanted.add(edge.target);
      if (inView.has(edge.target)) wanted.add(edge.source);
    }
    return { mounted: all.filter((item) => wanted.has(item.id)), isFar: false, onMove };
  }, [scene, view, selection.steps, onMove]);
}
