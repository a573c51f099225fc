import type { useStoreApi } from "@xyflow/react";
import { useReactFlow } from "@xyflow/react";
import { type PointerEvent, useEffect, useRef } from "react";
import type { StepView } from "../../bindings/StepView";
import { stepLooks } from "../../components/status";
import classes from "./Canvas.module.css";
import { boundsOf, type Scene } from "./scene";

const WIDTH = 176;
const HEIGHT = 112;

type Props = { scene: Scene; store: ReturnType<typeof useStoreApi>; views: ReadonlyMap<string, StepView> };
type Scale = { factor: number; x: number; y: number };

/** The whole document, small, with the part in view. Pressing it goes there. */
export function Minimap({ scene, store, views }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const scale = useRef<Scale>({ factor: 1, x: 0, y: 0 });
  const { setCenter, getZoom } = useReactFlow();

  useEffect(() => {
    let frame = 0;
    function paint(): void {
      frame = 0;
      const context = canvas.current?.getContext("2d");
      if (!context) return;
      const { transform, width, height } = store.getState();
      const [x, y, zoom] = transform;
      const shown = { x: -x / zoom, y: -y / zoom, w: width / zoom, h: height / zoom };
      const bounds = boundsOf(scene.items.values());
      if (!bounds) return;
      const pad = 0.06 * Math.max(bounds.w, bounds.h);
      const factor = Math.min(WIDTH / (bounds.w + 2 * pad), HEIGHT / (bounds.h + 2 * pad));
      const left = bounds.x + bounds.w / 2 - WIDTH / 2 / factor;
      const top = bounds.y + bounds.h / 2 - HEIGHT / 2 / factor;
      scale.current = { factor, x: left, y: top };
      const style = getComputedStyle(document.documentElement);
      const colour = (name: string) => style.getPropertyValue(name);
      const ratio = window.devicePixelRatio || 1;
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.clearRect(0, 0, WIDTH, HEIGHT);
      for (const item of scene.items.values()) {
        const status = views.get(item.id)?.status;
        context.fillStyle = status
          ? colour(`--bt-${stepLooks[status].tone}`)
          : item.type === "note"
            ? colour("--bt-note-line")
            : colour("--bt-line-strong");
        const box: [number, number, number, number] = [
          (item.x - left) * factor,
          (item.y - top) * factor,
          Math.max(2, item.w * factor),
          Math.max(1.5, item.h * factor),
        ];
        if (item.type === "container") {
          context.strokeStyle = context.fillStyle;
          context.strokeRect(...box);
        } else context.fillRect(...box);
      }
      context.strokeStyle = colour("--bt-accent");
      context.lineWidth = 1.5;
      context.strokeRect(
        (shown.x - left) * factor,
        (shown.y - top) * factor,
        shown.w * factor,
        shown.h * factor,
      );
    }
    const soon = () => {
      if (frame === 0) frame = requestAnimationFrame(paint);
    };
    soon();
    const unsubscribe = store.subscribe(soon);
    return () => {
      cancelAnimationFrame(frame);
      unsubscribe();
    };
  }, [scene, store, views]);

  function go(event: PointerEvent<HTMLCanvasElement>): void {
    if (event.buttons !== 1) return;
    const box = event.currentTarget.getBoundingClientRect();
    const { factor, x, y } = scale.current;
    void setCenter(x + (event.clientX - box.left) / factor, y + (event.clientY - box.top) / factor, {
      zoom: getZoom(),
    });
  }

  const ratio = typeof window === "undefined" ? 1 : window.devicePixelRatio || 1;
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
