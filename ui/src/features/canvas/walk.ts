import type { Item, Scene } from "./scene";

export type Direction = "left" | "right" | "up" | "down";

function middle(item: Item): [number, number] {
  return [item.x + item.w / 2, item.y + Math.min(item.h, 80) / 2];
}

function nearest(
  from: Item,
  candidates: readonly Item[],
  cost: (dx: number, dy: number) => number,
): Item | null {
  const [x, y] = middle(from);
  let best: Item | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const item of candidates) {
    const [ix, iy] = middle(item);
    const value = cost(ix - x, iy - y);
    if (value < least) {
      least = value;
      best = item;
    }
  }
  return best;
}

/**
 * The step that an arrow key leads to: along the edges to the left and right, else to the nearest one that way.
 * Right enters a container, left leaves it.
 */
export function walk(scene: Scene, from: string | null, direction: Direction): string | null {
  const steps = [...scene.items.values()].filter((item) => item.type !== "note");
  const start = from === null ? undefined : scene.items.get(from);
  if (!start) {
    const first = steps
      .filter((item) => item.parent === null)
      .sort((a, b) => a.x - b.x || a.y - b.y)
      .at(0);
    return first?.id ?? null;
  }
  const isForward = direction === "right" || direction === "down";
  if (direction === "left" || direction === "right") {
    const along = scene.edges
      .filter((edge) => (isForward ? edge.source : edge.target) === start.id)
      .flatMap((edge) => scene.items.get(isForward ? edge.target : edge.source) ?? []);
    const next = nearest(start, along, (dx, dy) => Math.abs(dy) * 4 + Math.abs(dx));
    if (next) return next.id;
    if (isForward && start.type === "container") {
      const inner = steps
        .filter((item) => item.parent === start.id)
        .sort((a, b) => a.x - b.x || a.y - b.y)[0];
      if (inner) return inner.id;
    }
  }
  const siblings = steps.filter((item) => item.parent === start.parent && item.id !== start.id);
  const sign = isForward ? 1 : -1;
  const isSideways = direction === "left" || direction === "right";
  const next = nearest(start, siblings, (dx, dy) => {
    const ahead = (isSideways ? dx : dy) * sign;
    const aside = Math.abs(isSideways ? dy : dx);
    return ahead <= 1 ? Number.POSITIVE_INFINITY : ahead + aside * 2;
  });
  if (next) return next.id;
  return direction === "left" ? start.parent : null;
}
