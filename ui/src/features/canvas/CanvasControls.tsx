import { ActionIcon, Tooltip, UnstyledButton } from "@mantine/core";
import { useStore } from "@xyflow/react";
import { Hand, Map as MapIcon, Maximize, Minus, MousePointer2, Plus, Sparkles } from "lucide-react";
import { findCommand, runCommand } from "../../app/commands";
import { keyLabels } from "../../app/keys";
import classes from "./Canvas.module.css";
import { useCanvas } from "./canvas-store";

function label(id: string): string {
  const command = findCommand(id);
  const [keys] = command.keys ?? [];
  return keys ? `${command.title} (${keyLabels(keys).join(" ")})` : command.title;
}

/** Zoom, tools and tidy, in the corner of the canvas. */
export function CanvasControls() {
  const zoom = useStore((flow) => Math.round(flow.transform[2] * 100));
  const tool = useCanvas((canvas) => canvas.tool);
  const minimap = useCanvas((canvas) => canvas.minimap);
  const buttons = [
    { id: "zoom-out", icon: Minus },
    { id: "zoom-in", icon: Plus },
    { id: "fit", icon: Maximize },
  ];
  return (
    <div className={classes.controls} role="toolbar" aria-label="View of the canvas">
      <Tooltip label={label("tool-select")} position="top">
        <ActionIcon
          aria-label={label("tool-select")}
          aria-pressed={tool === "select"}
          variant={tool === "select" ? "light" : "subtle"}
          color={tool === "select" ? "iris" : "gray"}
          onClick={() => runCommand("tool-select")}
        >
          <MousePointer2 size={16} />
        </ActionIcon>
      </Tooltip>
      <Tooltip label={label("tool-hand")} position="top">
        <ActionIcon
          aria-label={label("tool-hand")}
          aria-pressed={tool === "hand"}
          variant={tool === "hand" ? "light" : "subtle"}
          color={tool === "hand" ? "iris" : "gray"}
          onClick={() => runCommand("tool-hand")}
        >
          <Hand size={16} />
        </ActionIcon>
      </Tooltip>
      <span className={classes.divider} />
      {buttons.slice(0, 1).map(({ id, icon: Icon }) => (
        <ActionIcon key={id} aria-label={label(id)} title={label(id)} onClick={() => runCommand(id)}>
          <Icon size={16} />
        </ActionIcon>
      ))}
      <UnstyledButton
        className={classes.zoom}
        title={label("zoom-full")}
        onClick={() => runCommand("zoom-full")}
      >
        {zoom} %
      </UnstyledButton>
      {buttons.slice(1).map(({ id, icon: Icon }) => (
        <ActionIcon key={id} aria-label={label(id)} title={label(id)} onClick={() => runCommand(id)}>
          <Icon size={16} />
        </ActionIcon>
      ))}
      <span className={classes.divider} />
      <ActionIcon aria-label={label("tidy")} title={label("tidy")} onClick={() => runCommand("tidy")}>
        <Sparkles size={16} />
      </ActionIcon>
      <ActionIcon
        aria-label={label("minimap")}
        title={label("minimap")}
        aria-pressed={minimap}
        onClick={() => runCommand("minimap")}
      >
        <MapIcon size={16} />
      </ActionIcon>
    </div>
  );
}
