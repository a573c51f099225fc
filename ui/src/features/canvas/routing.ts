import type { XY } from "../../state/document";
import { type Curve, contains, distanceTo, overlaps, pathOf, pointAt, type Rect } from "./geometry";

// The ways of edges that run across the others: those on error. Most are one curve; where that would pass behind cards,
// the edge falls to a lane between them, runs along it, and rises before its target.

/** Curves, each beginning where the one before ends. */
export type Route = readonly Curve[];

const SAMPLES = 24;
const CLEARANCE = 8;
/** Between a lane and the cards above and below it. */
const LANE = 18;
/** How far before its target an edge rises. */
const RISES = [24, 40, 60];
const CORNER = 14;
/** How far around its two ends an edge may go. */
const ROOM = 400;
/** How far a curve may fall below its card, reach back before its target, and come from below. */
const FALLS = [40, 70, 110, 160, 220];
const REACHES = [60, 110, 170, 240];
const DEPTHS = [0, 50, 110, 180];

/** The way of an edge that leaves a card at its bottom. `own` are the cards at its ends, `cards` those between. */
export function around(direct: Curve, cards: readonly Rect[], own: readonly Rect[]): Route {
  const [start, , , end] = direct;
  const left = Math.min(start[0], end[0]) - ROOM;
  const top = Math.min(start[1], end[1]) - ROOM;
  const box = {
    x: left,
    y: top,
    w: Math.max(start[0], end[0]) + ROOM - left,
    h: Math.max(start[1], end[1]) + ROOM - top,
  };
  const near = cards.filter((card) => overlaps(card, box));
  const up = start[1] - end[1];
  // A curve that falls and then rises steeply has a spike; lines have none.
  const isSteep = up > 60 && Math.abs(end[0] - start[0]) < 2 * up;
  const steep = isSteep ? clearLane(start, end, near, own) : null;
  if (steep) return steep;
  if (hiddenOf(direct, near, own) === 0) return [direct];
  return clearCurve(start, end, near, own) ?? clearLane(start, end, near, own) ?? [direct];
}

/** How many points of a curve lie behind a card. */
function hiddenOf(curve: Curve, cards: readonly Rect[], own: readonly Rect[]): number {
  let count = 0;
  for (let step = 1; step < SAMPLES; step += 1) {
    const at = pointAt(curve, step / SAMPLES);
    const isHidden =
      cards.some((card) => contains(grown(card), at)) || own.some((card) => contains(card, at));
    if (isHidden) count += 1;
  }
  return count;
}

function grown({ x, y, w, h }: Rect): Rect {
  return { x: x - CLEARANCE, y: y - CLEARANCE, w: w + 2 * CLEARANCE, h: h + 2 * CLEARANCE };
}

/** The flattest of some curves that nothing hides; `null` if there is none. */
function clearCurve(start: XY, end: XY, cards: readonly Rect[], own: readonly Rect[]): Route | null {
  for (const fall of FALLS) {
    for (const depth of DEPTHS) {
      for (const reach of REACHES) {
        const tried: Curve = [start, [start[0], start[1] + fall], [end[0] - reach, end[1] + depth], end];
        if (hiddenOf(tried, cards, own) === 0) return [tried];
      }
    }
  }
  return null;
}

/** The shortest way along a lane between the cards; `null` if there is none. */
function clearLane(start: XY, end: XY, cards: readonly Rect[], own: readonly Rect[]): Route | null {
  const every = [...cards, ...own];
  const lanes = [start[1] + LANE, ...every.flatMap((card) => [card.y + card.h + LANE, card.y - LANE])].filter(
    (lane) => lane >= start[1] + LANE && lane <= start[1] + ROOM,
  );
  let best: XY[] | null = null;
  let shortest = Number.POSITIVE_INFINITY;
  for (const lane of lanes) {
    for (const rise of RISES) {
      const x = end[0] - rise;
      const points: XY[] = [start, [start[0], lane], [x, lane], [x, end[1]], end];
      const length = Math.abs(x - start[0]) + (lane - start[1]) + Math.abs(end[1] - lane) + rise;
      if (length < shortest && isClear(points, cards, own)) {
        best = points;
        shortest = length;
      }
    }
  }
  return best && rounded(best);
}

/** Whether no line between two points that follow one another passes behind a card. */
function isClear(points: readonly XY[], cards: readonly Rect[], own: readonly Rect[]): boolean {
  return points.slice(1).every((to, index) => {
    const from = points[index] ?? to;
    const isEnd = index === 0 || index === points.length - 2;
    const line = {
      x: Math.min(from[0], to[0]),
      y: Math.min(from[1], to[1]),
      w: Math.abs(to[0] - from[0]),
      h: Math.abs(to[1] - from[1]),
    };
    // The first and the last line touch the cards at the ends.
    return (
      !cards.some((card) => overlaps(line, card, CLEARANCE)) &&
      (isEnd || !own.some((card) => overlaps(line, card)))
    );
  });
}

/** Lines between points, round at the corners. */
function rounded(points: readonly XY[]): Route {
  const route: Curve[] = [];
  let from = points[0] as XY;
  for (let index = 1; index < points.length - 1; index += 1) {
    const corner = points[index] as XY;
    const next = points[index + 1] as XY;
    const before = towards(corner, from);
    const after = towards(corner, next);
    route.push(line(from, before), [before, mix(before, corner), mix(after, corner), after]);
    from = after;
  }
  route.push(line(from, points.at(-1) as XY));
  return route;
}

/** The point on the way from a corner where it begins to be round. */
function towards(corner: XY, other: XY): XY {
  const length = Math.hypot(other[0] - corner[0], other[1] - corner[1]);
  const part = length === 0 ? 0 : Math.min(CORNER, length / 2) / length;
  return [corner[0] + (other[0] - corner[0]) * part, corner[1] + (other[1] - corner[1]) * part];
}

/** A little more than half of the way to a corner: near enough to a circle. */
function mix(from: XY, corner: XY): XY {
  return [from[0] + (corner[0] - from[0]) * 0.55, from[1] + (corner[1] - from[1]) * 0.55];
}

function line(from: XY, to: XY): Curve {
  return [from, from, to, to];
}

/** The same way between ends that have moved a little. */
export function between(route: Route, start: XY, end: XY): Route {
  return route.map((curve, index): Curve => {
    let [a, b, c, d] = curve;
    if (index === 0) {
      b = [b[0] + start[0] - a[0], b[1] + start[1] - a[1]];
      a = start;
    }
    if (index === route.length - 1) {
      c = [c[0] + end[0] - d[0], c[1] + end[1] - d[1]];
      d = end;
    }
    return [a, b, c, d];
  });
}

/** Where the words of an edge stand: in the middle of its longest part. */
export function middleOf(route: Route): XY {
  let longest = route[0] as Curve;
  const length = ([a, , , d]: Curve) => Math.hypot(d[0] - a[0], d[1] - a[1]);
  for (const curve of route) {
    if (length(curve) > length(longest)) longest = curve;
  }
  return pointAt(longest, 0.5);
}

export function pathOfRoute(route: Route): string {
  return route
    .map((curve, index) => (index === 0 ? pathOf(curve) : pathOf(curve).replace(/^M\S+ /, "")))
    .join(" ");
}

/** How far a point is from an edge. */
export function distanceToRoute(route: Route, point: XY): number {
  return Math.min(...route.map((curve) => distanceTo(curve, point)));
}
