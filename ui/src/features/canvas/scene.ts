import type { Edge } from "../../bindings/Edge";
import type { KindInfo } from "../../bindings/KindInfo";
import type { Note } from "../../bindings/Note";
import type { Port } from "../../bindings/Port";
import type { Step } from "../../bindings/Step";
import type { StepFacts } from "../../bindings/StepFacts";
import type { Workflow } from "../../bindings/Workflow";
import type { WorkflowChecked } from "../../bindings/WorkflowChecked";
import { edgeKey, splitFrom, type XY } from "../../state/document";
import {
  CARD_WIDTH,
  CONTAINER_MIN,
  CONTAINER_PAD,
  cardHeight,
  contains,
  curve,
  type HandlePlace,
  handleOf,
  handlesOf,
  NOTE_SIZE,
  type Rect,
} from "./geometry";
import { around, distanceToRoute, type Route } from "./routing";

/** Something that stands on the canvas. `x`, `y` are absolute; `at` is relative to the container. */
export type Item = Rect & {
  id: string;
  type: "step" | "container" | "note";
  parent: string | null;
  at: XY;
  step: Step | null;
  note: Note | null;
  facts: StepFacts | undefined;
  kind: KindInfo | undefined;
  ports: readonly Port[];
  handles: readonly HandlePlace[];
};

export type SceneEdge = {
  key: string;
  parent: string | null;
  edge: Edge;
  source: string;
  target: string;
  sourceHandle: string;
  route: Route;
};

/** Everything that is drawn, with its place. Containers come before what they hold. */
export type Scene = { items: Map<string, Item>; edges: SceneEdge[] };

const NO_PORTS: readonly Port[] = [];

/** Ports of a step: as Rust says, else (before it has answered) those of its kind, and any that an edge names. */
function portsOf(
  facts: StepFacts | undefined,
  kind: KindInfo | undefined,
  named: readonly string[],
): readonly Port[] {
  const known = facts?.ports ?? kind?.ports ?? NO_PORTS;
  const missing = named.filter((name) => !known.some((port) => port.name === name));
  return missing.length === 0 ? known : [...known, ...missing.map((name) => ({ name, title: name }))];
}

export function buildScene(
  doc: Workflow,
  check: WorkflowChecked | null,
  catalog: ReadonlyMap<string, KindInfo>,
  moved: Readonly<Record<string, XY>> = {},
): Scene {
  const items = new Map<string, Item>();
  const edges: SceneEdge[] = [];
  const placeOf = (id: string, fallback: XY): XY =>
    moved[id] ?? doc.layout?.[id] ?? check?.layout[id] ?? fallback;

  const visit = (steps: readonly Step[], graphEdges: readonly Edge[], parent: Item | null): XY => {
    const named = new Map<string, string[]>();
    for (const edge of graphEdges) {
      const { step, port } = splitFrom(edge.from);
      if (port !== null) named.set(step, [...(named.get(step) ?? []), port]);
    }
    let right = 0;
    let bottom = 0;
    for (const [index, step] of steps.entries()) {
      const facts = check?.steps[step.id];
      const kind = catalog.get(step.kind);
      const isContainer = kind?.isContainer ?? step.body !== undefined;
      const ports = portsOf(facts, kind, [...new Set(named.get(step.id) ?? [])]);
      const at = placeOf(step.id, [CONTAINER_PAD + index * (CARD_WIDTH + 60), 80]);
      const item: Item = {
        id: step.id,
        type: isContainer ? "container" : "step",
        parent: parent?.id ?? null,
        at,
        x: (parent?.x ?? 0) + at[0],
        y: (parent?.y ?? 0) + at[1],
        w: isContainer ? Math.max(CONTAINER_MIN[0], facts?.size[0] ?? 0) : CARD_WIDTH,
        h: isContainer ? Math.max(CONTAINER_MIN[1], facts?.size[1] ?? 0) : cardHeight(ports.length),
        step,
        note: null,
        facts,
        kind,
        ports,
        handles: [],
      };
      items.set(step.id, item);
      if (isContainer) {
        const inner = visit(step.body?.steps ?? [], step.body?.edges ?? [], item);
        // While something inside is dragged the check still has the old size.
        item.w = Math.max(item.w, inner[0] + CONTAINER_PAD);
        item.h = Math.max(item.h, inner[1] + CONTAINER_PAD);
      }
      item.handles = handlesOf(item.w, item.h, ports, isContainer);
      right = Math.max(right, at[0] + item.w);
      bottom = Math.max(bottom, at[1] + item.h);
    }
    const siblings = steps.flatMap((step) => items.get(step.id) ?? []);
    for (const edge of graphEdges) {
      const { step: source, port } = splitFrom(edge.from);
      const from = items.get(source);
      const to = items.get(edge.to);
      if (!from || !to) continue;
      const sourceHandle = handleOf(port, edge.on);
      const out = from.handles.find((each) => each.id === sourceHandle);
      const into = to.handles[0];
      if (!out || !into) continue;
      const isBelow = out.side === "bottom";
      const points = curve(
        from.x + out.x,
        from.y + out.y,
        to.x + into.x,
        to.y + into.y,
        isBelow ? "bottom" : "right",
      );
      edges.push({
        key: edgeKey(edge),
        parent: parent?.id ?? null,
        edge,
        source,
        target: edge.to,
        sourceHandle,
        // Edges on error are few, and run across the others: they go around the cards between.
        route: isBelow
          ? around(
              points,
              siblings.filter((item) => item !== from && item !== to),
              [from, to],
            )
          : [points],
      });
    }
    return [right, bottom];
  };
  visit(doc.steps, doc.edges, null);

  for (const note of doc.notes) {
    const at = placeOf(note.id, [0, 0]);
    const [w, h] = note.size ?? NOTE_SIZE;
    items.set(note.id, {
      id: note.id,
      type: "note",
      parent: null,
      at,
      x: at[0],
      y: at[1],
      w,
      h,
      step: null,
      note,
      facts: undefined,
      kind: undefined,
      ports: NO_PORTS,
      handles: [],
    });
  }
  return { items, edges };
}

/** The smallest box around items; `null` for none. */
export function boundsOf(items: Iterable<Rect>): Rect | null {
  let left = Number.POSITIVE_INFINITY;
  let top = Number.POSITIVE_INFINITY;
  let right = Number.NEGATIVE_INFINITY;
  let bottom = Number.NEGATIVE_INFINITY;
  for (const item of items) {
    left = Math.min(left, item.x);
    top = Math.min(top, item.y);
    right = Math.max(right, item.x + item.w);
    bottom = Math.max(bottom, item.y + item.h);
  }
  return left > right ? null : { x: left, y: top, w: right - left, h: bottom - top };
}

/** The innermost step under a point; notes only if there is none. */
export function itemAt(scene: Scene, point: XY): Item | null {
  let found: Item | null = null;
  for (const item of scene.items.values()) {
    if (!contains(item, point)) continue;
    if (item.type !== "note" || found === null) found = item;
  }
  return found;
}

/** The innermost container around a point, except `not` and what it holds. */
export function containerAt(scene: Scene, point: XY, not: ReadonlySet<string> = new Set()): Item | null {
  let found: Item | null = null;
  for (const item of scene.items.values()) {
    if (item.type !== "container" || !contains(item, point)) continue;
    let holder: Item | undefined = item;
    while (holder && !not.has(holder.id)) holder = holder.parent ? scene.items.get(holder.parent) : undefined;
    if (!holder) found = item;
  }
  return found;
}

/** The edge of a graph that passes within `reach` of a point. */
export function edgeAt(scene: Scene, point: XY, parent: string | null, reach = 28): SceneEdge | null {
  let best: SceneEdge | null = null;
  let nearest = reach;
  for (const edge of scene.edges) {
    if (edge.parent !== parent) continue;
    const distance = distanceToRoute(edge.route, point);
    if (distance < nearest) {
      nearest = distance;
      best = edge;
    }
  }
  return best;
}

/** Absolute places of everything, as copy needs them: relative for what stands in a container. */
export function placesOf(scene: Scene): Record<string, XY> {
  return Object.fromEntries([...scene.items.values()].map((item) => [item.id, item.at]));
}
