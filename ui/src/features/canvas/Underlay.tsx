import { useComputedColorScheme } from "@mantine/core";
import { useStoreApi } from "@xyflow/react";
import { useEffect, useRef } from "react";
import classes from "./Canvas.module.css";
import { createPainter, type Painting } from "./paint";

type Props = Omit<Painting, "selected"> & { selected: readonly string[] };

/**
 * The picture under React Flow: the grid of dots always, and of a large document everything that is not mounted.
 * Assistive technology reads the outline instead. It is painted directly on every move of the view, without React.
 */
export function Underlay({ scene, mounted, isFar, views, marks, selected }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const store = useStoreApi();
  // Also when the system changes it.
  const colorScheme = useComputedColorScheme("light", { getInitialValueInEffect: false });
  const painting = useRef<Painting>({ scene, mounted, isFar, views, marks, selected: new Set(selected) });
  const request = useRef<() => void>(() => undefined);
  const refresh = useRef<() => void>(() => undefined);

  useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    const painter = createPainter(element);
    refresh.current = () => {
      painter.refresh();
      request.current();
    };
    let frame = 0;
    request.current = () => {
      if (frame !== 0) return;
      frame = requestAnimationFrame(() => {
        frame = 0;
        const [x, y, zoom] = store.getState().transform;
        painter.paint(painting.current, { x, y, zoom });
      });
    };
    let last = store.getState().transform;
    const unsubscribe = store.subscribe((state) => {
      if (state.transform === last) return;
      last = state.transform;
      request.current();
    });
    const observer = new ResizeObserver(() => request.current());
    observer.observe(element);
    return () => {
      cancelAnimationFrame(frame);
      unsubscribe();
      observer.disconnect();
    };
  }, [store]);

  useEffect(() => {
    painting.current = { scene, mounted, isFar, views, marks, selected: new Set(selected) };
    request.current();
  }, [scene, mounted, isFar, views, marks, selected]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: other colours, same picture
  useEffect(() => {
    // The variables change after the attribute is set.
    requestAnimationFrame(() => refresh.current());
  }, [colorScheme]);

  return <canvas ref={canvas} className={classes.underlay} />;
}
