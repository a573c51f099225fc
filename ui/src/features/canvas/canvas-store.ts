import { create } from "zustand";
import type { XY } from "../../state/document";
import type { Rect } from "./geometry";
import type { Scene } from "./scene";

/** What commands can ask of the canvas that is on screen. */
export type CanvasApi = {
  fit(ids?: readonly string[]): void;
  /** The first view of a document: all of it if that can be read, else its beginning. */
  open(): void;
  zoomBy(factor: number): void;
  zoomTo(zoom: number): void;
  /** Brings items into view, without zooming out. */
  reveal(ids: readonly string[]): void;
  /** Where the pointer is, in canvas units; the middle of the view if it is elsewhere. */
  pointer(): XY;
  center(): XY;
  toCanvas(screen: XY): XY;
  toScreen(point: XY): XY;
  focus(): void;
};

/** What the search for a step is for. */
export type Search = {
  /** Where the box opens, in pixels of the window. */
  screen: XY;
  /** Where the step will stand, in canvas units; absent: found by itself. */
  at?: XY;
  parent: string | null;
  /** The new step waits for this outlet. */
  from?: { step: string; handle: string };
  /** The new step goes between the ends of this edge. */
  edge?: string;
  /** The step gets another kind. */
  replace?: string;
};

export type Menu = { screen: XY; at: XY; target: { step?: string; edge?: string; note?: string } };

/** A kind that is being dragged out of the palette. */
export type Ghost = { kind: string; title: string; icon: string; screen: XY };

type CanvasStore = {
  api: CanvasApi | null;
  scene: Scene;
  /** Part of the canvas that is in view, for the minimap and new steps. */
  tool: "select" | "hand";
  search: Search | null;
  menu: Menu | null;
  /** The step whose name is being typed on the card. */
  renaming: string | null;
  /** The outlet that a wire is being dragged from. */
  wiring: { step: string; handle: string; parent: string | null } | null;
  hoveredEdge: string | null;
  /** The edge that a dragged step would be dropped on. */
  dropEdge: string | null;
  /** The container that a dragged step would be dropped into. */
  dropContainer: string | null;
  ghost: Ghost | null;
  minimap: boolean;
};

export const useCanvas = create<CanvasStore>()(() => ({
  api: null,
  scene: { items: new Map(), edges: [] },
  tool: "select",
  search: null,
  menu: null,
  renaming: null,
  wiring: null,
  hoveredEdge: null,
  dropEdge: null,
  dropContainer: null,
  ghost: null,
  minimap: true,
}));

/** Boxes that a new step of a graph must not cover. */
export function takenIn(scene: Scene, parent: string | null): Rect[] {
  const base = parent === null ? undefined : scene.items.get(parent);
  const rects: Rect[] = [];
  for (const item of scene.items.values()) {
    if (item.parent !== parent || item.type === "note") continue;
    rects.push({ x: item.x - (base?.x ?? 0), y: item.y - (base?.y ?? 0), w: item.w, h: item.h });
  }
  return rects;
}
