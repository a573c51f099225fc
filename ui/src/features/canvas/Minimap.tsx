import { useComputedColorScheme } from "@mantine/core";
import type { useStoreApi } from "@xyflow/react";
import { useReactFlow } from "@xyflow/react";
import { type PointerEvent, useEffect, useRef } from "react";
import type { StepView } from "../../bindings/StepView";
import { stepLooks } from "../../components/status";
import classes from "./Canvas.module.css";
import { type Colours, readColours } from "./paint";
import { boundsOf, type Scene } from "./scene";

const WIDTH = 176;
const HEIGHT = 112;

type Props = { scene: Scene; store: ReturnType<typeof useStoreApi>; views: ReadonlyMap<string, StepView> };
type Scale = { factor: number; x: number; y: number };

/** How the document fits into the small picture. */
function scaleOf(scene: Scene): Scale | null {
  const bounds = boundsOf(scene.items.values());
  if (!bounds) return null;
  const pad = 0.06 * Math.max(bounds.w, bounds.h);
  const factor = Math.min(WIDTH / (bounds.w + 2 * pad), HEIGHT / (bounds.h + 2 * pad));
  return {
    factor,
    x: bounds.x + bounds.w / 2 - WIDTH / 2 / factor,
    y: bounds.y + bounds.h / 2 - HEIGHT / 2 / factor,
  };
}

/** The document without the frame of what is in view: painted once, and copied on every move. */
function paintItems(
  scene: Scene,
  views: Props["views"],
  scale: Scale,
  colours: Colours,
  ratio: number,
): HTMLCanvasElement {
  const picture = document.createElement("canvas");
  picture.width = WIDTH * ratio;
  picture.height = HEIGHT * ratio;
  const pen = picture.getContext("2d");
  if (!pen) return picture;
  pen.scale(ratio, ratio);
  const { factor, x, y } = scale;
  for (const item of scene.items.values()) {
    const status = views.get(item.id)?.status;
    const name = status
      ? `--bt-${stepLooks[status].tone}`
      : item.type === "note"
        ? "--bt-note-line"
        : "--bt-line-strong";
    pen.fillStyle = colours(name);
    pen.strokeStyle = colours(name);
    const [left, top, w, h] = [
      (item.x - x) * factor,
      (item.y - y) * factor,
      item.w * factor,
      item.h * factor,
    ];
    if (item.type === "container") pen.strokeRect(left, top, w, h);
    else pen.fillRect(left, top, Math.max(2, w), Math.max(1.5, h));
  }
  return picture;
}

/** The whole document, small, with the part in view. Pressing it goes there. */
export function Minimap({ scene, store, views }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const scale = useRef<Scale>({ factor: 1, x: 0, y: 0 });
  const { setCenter, getZoom } = useReactFlow();
  // Also when the system changes it.
  const colorScheme = useComputedColorScheme("light", { getInitialValueInEffect: false });
  const ratio = window.devicePixelRatio || 1;

  // biome-ignore lint/correctness/useExhaustiveDependencies: another scheme has other colours
  useEffect(() => {
    let frame = 0;
    let picture: HTMLCanvasElement | null = null;
    let accent = "";
    function paint(): void {
      frame = 0;
      const pen = canvas.current?.getContext("2d");
      const fit = scaleOf(scene);
      if (!pen || !fit) return;
      if (!picture) {
        const colours = readColours();
        accent = colours("--bt-accent");
        picture = paintItems(scene, views, fit, colours, ratio);
        scale.current = fit;
      }
      const { transform, width, height } = store.getState();
      const [x, y, zoom] = transform;
      pen.setTransform(1, 0, 0, 1, 0, 0);
      pen.clearRect(0, 0, WIDTH * ratio, HEIGHT * ratio);
      pen.drawImage(picture, 0, 0);
      pen.scale(ratio, ratio);
      pen.strokeStyle = accent;
      pen.lineWidth = 1.5;
      const { factor } = fit;
      pen.strokeRect(
        (-x / zoom - fit.x) * factor,
        (-y / zoom - fit.y) * factor,
        (width / zoom) * factor,
        (height / zoom) * factor,
      );
    }
    const soon = () => {
      if (frame === 0) frame = requestAnimationFrame(paint);
    };
    soon();
    let last = store.getState().transform;
    const unsubscribe = store.subscribe((state) => {
      if (state.transform === last) return;
      last = state.transform;
      soon();
    });
    return () => {
      cancelAnimationFrame(frame);
      unsubscribe();
    };
  }, [scene, store, views, ratio, colorScheme]);

  function go(event: PointerEvent<HTMLCanvasElement>): void {
    if (event.buttons !== 1) return;
    const box = event.currentTarget.getBoundingClientRect();
    const { factor, x, y } = scale.current;
    const at = { x: x + (event.clientX - box.left) / factor, y: y + (event.clientY - box.top) / factor };
    void setCenter(at.x, at.y, { zoom: getZoom() });
  }

  return (
    <canvas
      ref={canvas}
      className={classes.minimap}
      width={WIDTH * ratio}
      height={HEIGHT * ratio}
      style={{ width: WIDTH, height: HEIGHT }}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        go(event);
      }}
      onPointerMove={go}
    />
  );
}
