import { iconOf } from "../../components/icons";
import { useCanvas } from "../canvas/canvas-store";
import classes from "./PalettePanel.module.css";

/** What is being dragged out of the palette, under the pointer. */
export function Ghost() {
  const ghost = useCanvas((canvas) => canvas.ghost);
  if (!ghost) return null;
  const Icon = iconOf(ghost.icon);
  return (
    <div className={classes.ghost} style={{ left: ghost.screen[0], top: ghost.screen[1] }} aria-hidden>
      <Icon size={18} />
      {ghost.title}
    </div>
  );
}
