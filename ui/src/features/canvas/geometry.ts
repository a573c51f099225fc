import type { Port } from "../../bindings/Port";
import type { XY } from "../../state/document";

// Measures of a card in canvas units, the same as in `crates/core/src/layout.rs`. React Flow is told all of them, so
// that it never measures.

export const GRID = 20;
export const CARD_WIDTH = 220;
export const CARD_HEIGHT = 72;
export const PORT_ROW = 18;
export const CONTAINER_HEAD = 44;
export const CONTAINER_PAD = 24;
export const CONTAINER_MIN: XY = [260, 140];
export const NOTE_SIZE: XY = [240, 120];
/** Room between a step and the one that is added after it. */
export const GAP = 80;
const HANDLE = 12;

export type Rect = { x: number; y: number; w: number; h: number };

export type HandlePlace = {
  id: string;
  type: "source" | "target";
  side: "left" | "right" | "bottom";
  x: number;
  y: number;
};

/** Names of the handles of a card: the input, the plain outlet, the error outlet, one for each port. */
export const IN = "in";
export const OUT = "out";
export const ERROR = "!error";

export function portHandle(port: string): string {
  return `port:${port}`;
}

/** `from` of an edge that leaves from a handle, and whether it is the error outlet. */
export function fromOf(step: string, handle: string): { from: string; isError: boolean } {
  if (handle === ERROR) return { from: step, isError: true };
  return { from: handle.startsWith("port:") ? `${step}.${handle.slice(5)}` : step, isError: false };
}

export function handleOf(port: string | null, on: string | undefined): string {
  if (on === "error") return ERROR;
  return port === null ? OUT : portHandle(port);
}

export function cardHeight(ports: number): number {
  return CARD_HEIGHT + Math.max(0, ports - 2) * PORT_ROW;
}

/** Where the rows of the ports begin: below the name, in the middle of the room for two. */
export function portsTop(ports: number, isContainer: boolean): number {
  if (isContainer) return CONTAINER_HEAD + 4;
  const top = CARD_HEIGHT / 2 - 3;
  return top + Math.max(0, (2 - ports) * PORT_ROW) / 2;
}

/** Where the handles of a card or container stand: their centres, from its top left corner. */
export function handlesOf(
  width: number,
  height: number,
  ports: readonly Port[],
  isContainer: boolean,
): HandlePlace[] {
  const middle = isContainer ? CONTAINER_HEAD / 2 : CARD_HEIGHT / 2;
  const first = portsTop(ports.length, isContainer) + PORT_ROW / 2;
  // Beside ports the plain outlet stands higher, by the name.
  const plain = isContainer || ports.length === 0 ? middle : PORT_ROW;
  return [
    { id: IN, type: "target", side: "left", x: 0, y: middle },
    { id: OUT, type: "source", side: "right", x: width, y: plain },
    ...ports.map(
      (port, index): HandlePlace => ({
        id: portHandle(port.name),
        type: "source",
        side: "right",
        x: width,
        y: first + index * PORT_ROW,
      }),
    ),
    { id: ERROR, type: "source", side: "bottom", x: width - 28, y: height },
  ];
}

/** The box of a handle around its centre, for React Flow. */
export function handleBox(place: HandlePlace): { x: number; y: number; width: number; height: number } {
  return { x: place.x - HANDLE / 2, y: place.y - HANDLE / 2, width: HANDLE, height: HANDLE };
}

export function snap(value: number): number {
  return Math.round(value / GRID) * GRID;
}

export function contains(rect: Rect, [x, y]: XY): boolean {
  return x >= rect.x && x <= rect.x + rect.w && y >= rect.y && y <= rect.y + rect.h;
}

export function overlaps(a: Rect, b: Rect, margin = 0): boolean {
  return (
    a.x < b.x + b.w + margin &&
    b.x < a.x + a.w + margin &&
    a.y < b.y + b.h + margin &&
    b.y < a.y + a.h + margin
  );
}

/** The place nearest below `wanted` where a box of this size covers nothing. */
export function freePlace(wanted: XY, size: XY, taken: readonly Rect[]): XY {
  const [x] = wanted;
  let [, y] = wanted;
  for (let tries = 0; tries < 200; tries += 1) {
    const rect = { x, y, w: size[0], h: size[1] };
    const hit = taken.find((each) => overlaps(rect, each, GRID / 2));
    if (!hit) break;
    y = snap(hit.y + hit.h + GRID * 1.5);
  }
  return [x, y];
}

/** A curve between two handles. One that leads back bends around what lies between. */
export function curve(
  sx: number,
  sy: number,
  tx: number,
  ty: number,
  side: "right" | "bottom",
): [XY, XY, XY, XY] {
  const dx = tx - sx;
  const dy = ty - sy;
  if (side === "bottom") {
    const fall = Math.max(40, Math.abs(dy) / 2);
    return [
      [sx, sy],
      [sx, sy + fall],
      [tx - Math.max(60, Math.min(160, Math.abs(dx) / 2)), ty],
      [tx, ty],
    ];
  }
  if (dx < 20) {
    const reach = 130 + Math.min(120, -dx / 4);
    const bend = Math.abs(dy) > 160 ? 0 : dy < 0 ? -190 : 190;
    return [
      [sx, sy],
      [sx + reach, sy + bend],
      [tx - reach, ty + bend],
      [tx, ty],
    ];
  }
  const reach = Math.max(30, Math.min(160, dx / 2));
  return [
    [sx, sy],
    [sx + reach, sy],
    [tx - reach, ty],
    [tx, ty],
  ];
}

/** A cubic curve: start, two points that it bends towards, end. */
export type Curve = [XY, XY, XY, XY];

export function pathOf([a, b, c, d]: Curve): string {
  return `M${a[0]},${a[1]} C${b[0]},${b[1]} ${c[0]},${c[1]} ${d[0]},${d[1]}`;
}

export function pointAt([a, b, c, d]: Curve, t: number): XY {
  const u = 1 - t;
  const mix = (axis: 0 | 1) =>
    u * u * u * a[axis] + 3 * u * u * t * b[axis] + 3 * u * t * t * c[axis] + t * t * t * d[axis];
  return [mix(0), mix(1)];
}

/** How far a point is from a curve. */
export function distanceTo(points: Curve, [x, y]: XY): number {
  let best = Number.POSITIVE_INFINITY;
  for (let step = 0; step <= 24; step += 1) {
    const [px, py] = pointAt(points, step / 24);
    best = Math.min(best, Math.hypot(px - x, py - y));
  }
  return best;
}
