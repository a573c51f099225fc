import type { PointerEvent as ReactPointerEvent } from "react";
import type { KindInfo } from "../../bindings/KindInfo";
import type { XY } from "../../state/document";
import { useCanvas } from "../canvas/canvas-store";
import { addKind } from "../canvas/edits";
import { CARD_WIDTH } from "../canvas/geometry";
import { containerAt, edgeAt } from "../canvas/scene";

/** How far the pointer goes before a press is a drag. */
const THRESHOLD = 5;

/** Whether a point of the window is over the canvas and not over something that lies on it. */
function isOverCanvas([x, y]: XY): boolean {
  const hit = document.elementFromPoint(x, y);
  return hit?.closest("[data-testid=canvas]") != null;
}

/** Drags a kind from the palette, with pointer events: HTML5 drag and drop is unreliable in WebKitGTK. */
export function startDrag(event: ReactPointerEvent<HTMLElement>, kind: KindInfo): void {
  if (event.button !== 0) return;
  const from: XY = [event.clientX, event.clientY];
  const item = event.currentTarget;
  let isDragging = false;
  delete item.dataset.dragged;

  function move(next: PointerEvent): void {
    const screen: XY = [next.clientX, next.clientY];
    if (!isDragging && Math.hypot(screen[0] - from[0], screen[1] - from[1]) < THRESHOLD) return;
    isDragging = true;
    item.dataset.dragged = "yes";
    const { api, scene } = useCanvas.getState();
    const at = api && isOverCanvas(screen) ? api.toCanvas(screen) : null;
    const container = at && containerAt(scene, at);
    useCanvas.setState({
      ghost: { kind: kind.kind, title: kind.title, icon: kind.icon, screen },
      dropContainer: container?.id ?? null,
      dropEdge: at ? (edgeAt(scene, at, container?.id ?? null)?.key ?? null) : null,
    });
  }

  function stop(): void {
    window.removeEventListener("pointermove", move);
    window.removeEventListener("pointerup", up);
    window.removeEventListener("pointercancel", stop);
    window.removeEventListener("keydown", onEscape, true);
    useCanvas.setState({ ghost: null, dropContainer: null, dropEdge: null });
  }

  function onEscape(next: KeyboardEvent): void {
    if (next.key !== "Escape") return;
    next.stopPropagation();
    stop();
  }

  function up(next: PointerEvent): void {
    const { api, dropEdge, dropContainer } = useCanvas.getState();
    const screen: XY = [next.clientX, next.clientY];
    stop();
    if (!isDragging || !api || !isOverCanvas(screen)) return;
    const at = api.toCanvas(screen);
    if (dropEdge !== null) addKind(kind, { parent: dropContainer, edge: dropEdge, at });
    else addKind(kind, { parent: dropContainer, at: [at[0] - CARD_WIDTH / 2, at[1] - 36] });
    api.focus();
  }

  window.addEventListener("pointermove", move);
  window.addEventListener("pointerup", up);
  window.addEventListener("pointercancel", stop);
  window.addEventListener("keydown", onEscape, true);
}
