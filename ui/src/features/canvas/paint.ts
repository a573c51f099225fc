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

const NAMES = {
  canvas: "--bt-canvas",
  dot: "--bt-dot",
  surface: "--bt-surface",
  line: "--bt-line-strong",
  text: "--bt-text",
  muted: "--bt-text-muted",
  edge: "--bt-edge",
  failed: "--bt-failed",
  succeeded: "--bt-succeeded",
  accent: "--bt-accent",
  note: "--bt-note-yellow",
} as const;

type Colours = Record<keyof typeof NAMES, string> & { of(name: string): string };

function readColours(): Colours {
  const style = getComputedStyle(document.documentElement);
  const cache = new Map<string, string>();
  const of = (name: string): string => {
    const known = cache.get(name) ?? style.getPropertyValue(name).trim();
    cache.set(name, known);
    return known;
  };
  const named = Object.fromEntries(Object.entries(NAMES).map(([key, name]) => [key, of(name)])) as Record<
    keyof typeof NAMES,
    string
  >;
  return { ...named, of };
}

/** Makes a function that paints the part of the scene that is in view. */
export function createPainter(canvas: HTMLCanvasElement): (painting: Painting, view: View) => void {
  const context = canvas.getContext("2d", { alpha: false });
  return (painting, view) => {
    if (!context) return;
    const ratio = window.devicePixelRatio || 1;
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const colours = readColours();
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = colours.canvas;
    context.fillRect(0, 0, width, height);
    paintDots(context, colours, view, width, height);
    if (!painting.isFar && painting.mounted.length === painting.scene.items.size) return;
    context.setTransform(ratio * view.zoom, 0, 0, ratio * view.zoom, ratio * view.x, ratio * view.y);
    paintScene(context, colours, painting, view, width, height);
  };
}

function paintDots(
  context: CanvasRenderingContext2D,
  colours: Colours,
  view: View,
  width: number,
  height: number,
): void {
  let step = 20 * view.zoom;
  while (step < 14) step *= 2;
  const size = Math.max(1, Math.min(1.6, view.zoom * 1.3));
  const startX = ((view.x % step) + step) % step;
  const startY = ((view.y % step) + step) % step;
  context.fillStyle = colours.dot;
  for (let x = startX; x < width; x += step) {
    for (let y = startY; y < height; y += step) context.fillRect(x, y, size, size);
  }
}

function paintScene(
  context: CanvasRenderingContext2D,
  colours: Colours,
  { scene, mounted, isFar, views, marks, selected }: Painting,
  view: View,
  width: number,
  height: number,
): void {
  const left = -view.x / view.zoom;
  const top = -view.y / view.zoom;
  const right = left + width / view.zoom;
  const bottom = top + height / view.zoom;
  const drawn = new Set(isFar ? [] : mounted.map((item) => item.id));
  const hairline = Math.max(1.2, 0.9 / view.zoom);

  for (const item of scene.items.values()) {
    if (item.type !== "container" || drawn.has(item.id)) continue;
    if (item.x > right || item.x + item.w < left || item.y > bottom || item.y + item.h < top) continue;
    context.strokeStyle = colours.line;
    context.lineWidth = hairline;
    context.fillStyle = colours.canvas;
    context.beginPath();
    context.roundRect(item.x, item.y, item.w, item.h, 14);
    context.fill();
    context.stroke();
  }

  for (const edge of scene.edges) {
    if (drawn.has(edge.source) && drawn.has(edge.target)) continue;
    const [a, b, c, d] = edge.points;
    if (Math.min(a[0], d[0]) > right || Math.max(a[0], d[0]) < left) continue;
    if (Math.min(a[1], d[1]) > bottom || Math.max(a[1], d[1]) < top) continue;
    const mark = marks.get(edge.key);
    context.strokeStyle =
      edge.edge.on === "error" ? colours.failed : mark?.taken ? colours.succeeded : colours.edge;
    context.globalAlpha = mark && !mark.taken ? 0.35 : 1;
    context.lineWidth = mark?.taken ? hairline * 2 : hairline;
    context.beginPath();
    context.moveTo(a[0], a[1]);
    if (view.zoom < 0.2) context.lineTo(d[0], d[1]);
    else context.bezierCurveTo(b[0], b[1], c[0], c[1], d[0], d[1]);
    context.stroke();
  }
  context.globalAlpha = 1;

  const family = getComputedStyle(document.body).fontFamily;
  for (const item of scene.items.values()) {
    if (drawn.has(item.id)) continue;
    if (item.x > right || item.x + item.w < left || item.y > bottom || item.y + item.h < top) continue;
    const status = views.get(item.id)?.status;
    const tone = status ? stepLooks[status].tone : null;
    if (item.type !== "container") {
      context.fillStyle =
        item.type === "note" ? colours.note : tone ? colours.of(`--bt-${tone}-soft`) : colours.surface;
      context.strokeStyle = selected.has(item.id)
        ? colours.accent
        : tone
          ? colours.of(`--bt-${tone}`)
          : colours.line;
      context.lineWidth = selected.has(item.id) ? hairline * 2.5 : hairline;
      context.beginPath();
      if (view.zoom < 0.2) context.rect(item.x, item.y, item.w, item.h);
      else context.roundRect(item.x, item.y, item.w, item.h, 10);
      context.fill();
      context.stroke();
    }
    if (!item.step || view.zoom < 0.12) continue;
    context.fillStyle = colours.of(`--bt-cat-${item.kind?.category ?? "systems"}`);
    context.fillRect(item.x, item.y + 8, 6, Math.min(item.h, 60) - 16);
    // Larger than on a card, so that it can be read from further away.
    const size = Math.min(30, Math.max(13, 9.5 / view.zoom));
    context.font = `600 ${size}px ${family}`;
    context.textBaseline = "middle";
    context.fillStyle = colours.text;
    context.fillText(fitted(titleOf(item.step), item.w - 30, size), item.x + 16, item.y + 30);
  }
}

/** A name cut to a width, by an average width of letters: measuring each would cost more than the frame has. */
function fitted(text: string, width: number, size: number): string {
  const most = Math.floor(width / (size * 0.56));
  return text.length <= most ? text : `${text.slice(0, Math.max(1, most - 1))}…`;
}
