import type { EdgeView } from "../../bindings/EdgeView";
import type { StepView } from "../../bindings/StepView";
import { stepLooks } from "../../components/status";
import { titleOf } from "../../state/document";
import type { Item, Scene } from "./scene";

export type Painting = {
  scene: Scene;
  mounted: readonly Item[];
  isFar: boolean;
  views: ReadonlyMap<string, StepView>;
  marks: ReadonlyMap<string, EdgeView>;
  selected: ReadonlySet<string>;
};

type View = { x: number; y: number; zoom: number };

/** Colours by the name of their variable, read once: asking for a style makes the browser compute styles. */
export type Colours = (name: string) => string;

export function readColours(): Colours {
  const style = getComputedStyle(document.documentElement);
  const cache = new Map<string, string>();
  return (name) => {
    let value = cache.get(name);
    if (value === undefined) {
      value = style.getPropertyValue(name).trim();
      cache.set(name, value);
    }
    return value;
  };
}

export type Painter = {
  paint(painting: Painting, view: View): void;
  /** The scheme changed: reads the colours again. */
  refresh(): void;
};

/** Makes what paints the part of a scene that is in view. */
export function createPainter(canvas: HTMLCanvasElement): Painter {
  const context = canvas.getContext("2d", { alpha: false });
  let colours = readColours();
  let tile: CanvasPattern | null = null;
  let tileStep = 0;
  const family = getComputedStyle(document.body).fontFamily;

  /** The grid of dots as a pattern: one fill, however large the window. */
  function dots(pen: CanvasRenderingContext2D, view: View, ratio: number): void {
    let step = 20 * view.zoom;
    while (step < 14) step *= 2;
    const pixels = Math.max(4, Math.round(step * ratio));
    if (tile === null || tileStep !== pixels) {
      tileStep = pixels;
      const stamp = document.createElement("canvas");
      stamp.width = pixels;
      stamp.height = pixels;
      const brush = stamp.getContext("2d");
      if (!brush) return;
      const size = Math.max(1, Math.min(1.6, view.zoom * 1.3)) * ratio;
      brush.fillStyle = colours("--bt-dot");
      brush.fillRect(0, 0, size, size);
      tile = pen.createPattern(stamp, "repeat");
    }
    if (!tile) return;
    const scale = (step * ratio) / pixels;
    tile.setTransform(new DOMMatrix([scale, 0, 0, scale, view.x * ratio, view.y * ratio]));
    pen.fillStyle = tile;
    pen.fillRect(0, 0, canvas.width, canvas.height);
  }

  return {
    refresh() {
      colours = readColours();
      tile = null;
    },
    paint(painting, view) {
      if (!context) return;
      const ratio = window.devicePixelRatio || 1;
      const { clientWidth: width, clientHeight: height } = canvas;
      const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
      if (canvas.width !== wide || canvas.height !== high) {
        canvas.width = wide;
        canvas.height = high;
      }
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.fillStyle = colours("--bt-canvas");
      context.fillRect(0, 0, wide, high);
      dots(context, view, ratio);
      if (!painting.isFar && painting.mounted.length === painting.scene.items.size) return;
      context.setTransform(ratio * view.zoom, 0, 0, ratio * view.zoom, ratio * view.x, ratio * view.y);
      paintScene(context, colours, painting, view, width, height, family);
    },
  };
}

type Batch = { path: Path2D; fill: string | null; stroke: string; width: number; alpha: number };

/** Shapes of one look, drawn with one call: a call for each would be most of the time. */
class Batches {
  readonly #batches = new Map<string, Batch>();

  of(fill: string | null, stroke: string, width: number, alpha = 1): Path2D {
    const key = `${fill}|${stroke}|${width}|${alpha}`;
    let batch = this.#batches.get(key);
    if (!batch) {
      batch = { path: new Path2D(), fill, stroke, width, alpha };
      this.#batches.set(key, batch);
    }
    return batch.path;
  }

  draw(pen: CanvasRenderingContext2D): void {
    for (const { path, fill, stroke, width, alpha } of this.#batches.values()) {
      pen.globalAlpha = alpha;
      if (fill !== null) {
        pen.fillStyle = fill;
        pen.fill(path);
      }
      if (stroke !== "") {
        pen.strokeStyle = stroke;
        pen.lineWidth = width;
        pen.stroke(path);
      }
    }
    pen.globalAlpha = 1;
  }
}

function paintScene(
  pen: CanvasRenderingContext2D,
  colours: Colours,
  { scene, mounted, isFar, views, marks, selected }: Painting,
  view: View,
  width: number,
  height: number,
  family: string,
): void {
  const left = -view.x / view.zoom;
  const top = -view.y / view.zoom;
  const right = left + width / view.zoom;
  const bottom = top + height / view.zoom;
  const drawn = new Set(isFar ? [] : mounted.map((item) => item.id));
  const hairline = Math.max(1.2, 0.9 / view.zoom);
  const isTiny = view.zoom < 0.2;
  const line = colours("--bt-line-strong");

  const shown: Item[] = [];
  const containers = new Batches();
  for (const item of scene.items.values()) {
    if (drawn.has(item.id)) continue;
    if (item.x > right || item.x + item.w < left || item.y > bottom || item.y + item.h < top) continue;
    shown.push(item);
    if (item.type !== "container") continue;
    containers.of(colours("--bt-canvas"), line, hairline).roundRect(item.x, item.y, item.w, item.h, 14);
  }
  containers.draw(pen);

  const edges = new Batches();
  for (const edge of scene.edges) {
    if (drawn.has(edge.source) && drawn.has(edge.target)) continue;
    const [first, last] = [edge.route[0], edge.route.at(-1)];
    if (!first || !last) continue;
    const [a, d] = [first[0], last[3]];
    if (Math.min(a[0], d[0]) > right || Math.max(a[0], d[0]) < left) continue;
    if (Math.min(a[1], d[1]) > bottom || Math.max(a[1], d[1]) < top) continue;
    const mark = marks.get(edge.key);
    const colour = edge.edge.on === "error" ? "--bt-failed" : mark?.taken ? "--bt-succeeded" : "--bt-edge";
    const path = edges.of(
      null,
      colours(colour),
      mark?.taken ? hairline * 2 : hairline,
      mark && !mark.taken ? 0.35 : 1,
    );
    path.moveTo(a[0], a[1]);
    if (isTiny) path.lineTo(d[0], d[1]);
    else for (const [, b, c, to] of edge.route) path.bezierCurveTo(b[0], b[1], c[0], c[1], to[0], to[1]);
  }
  edges.draw(pen);

  const cards = new Batches();
  const stripes = new Batches();
  for (const item of shown) {
    if (item.type !== "container") {
      const status = views.get(item.id)?.status;
      const tone = status ? stepLooks[status].tone : null;
      const fill =
        item.type === "note" ? "--bt-note-yellow" : tone ? (`--bt-${tone}-soft` as const) : "--bt-surface";
      const isSelected = selected.has(item.id);
      const stroke = isSelected ? colours("--bt-accent") : tone ? colours(`--bt-${tone}`) : line;
      const path = cards.of(colours(fill), stroke, isSelected ? hairline * 2.5 : hairline);
      if (isTiny) path.rect(item.x, item.y, item.w, item.h);
      else path.roundRect(item.x, item.y, item.w, item.h, 10);
    }
    if (item.step) {
      const path = stripes.of(colours(`--bt-cat-${item.kind?.category ?? "systems"}`), "", 0);
      path.rect(item.x, item.y + 8, 6, Math.min(item.h, 60) - 16);
    }
  }
  cards.draw(pen);
  stripes.draw(pen);

  if (view.zoom < 0.14) return;
  // Larger than on a card, so that it can be read from further away.
  const size = Math.min(30, Math.max(13, 9.5 / view.zoom));
  pen.font = `600 ${size}px ${family}`;
  pen.textBaseline = "middle";
  pen.fillStyle = colours("--bt-text");
  for (const item of shown) {
    if (item.step) pen.fillText(fitted(titleOf(item.step), item.w - 30, size), item.x + 16, item.y + 30);
  }
}

/** A name cut to a width, by an average width of letters: measuring each would cost more than the frame has. */
function fitted(text: string, width: number, size: number): string {
  const most = Math.floor(width / (size * 0.56));
  return text.length <= most ? text : `${text.slice(0, Math.max(1, most - 1))}…`;
}
