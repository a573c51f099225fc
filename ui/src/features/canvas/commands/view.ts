import { Hand, Map as MapIcon, Maximize, Minus, Plus, ScanSearch, Sparkles } from "lucide-react";
import type { Command } from "../../../app/command";
import { call } from "../../../backend/call";
import { useEditor } from "../../../state/editor";
import { tellError } from "../../../state/tell";
import { useCanvas } from "../canvas-store";
import { takeLayout } from "../edits";

async function tidy(): Promise<void> {
  const { doc, selection } = useEditor.getState();
  if (!doc) return;
  try {
    const { layout } = await call("workflow_layout", { document: doc });
    takeLayout(layout as Record<string, [number, number]>, selection.steps.length > 1 ? selection.steps : []);
    if (selection.steps.length <= 1) requestAnimationFrame(() => useCanvas.getState().api?.fit());
  } catch (thrown) {
    tellError("The steps cannot be arranged", thrown);
  }
}

export const viewCommands: Command[] = [
  {
    id: "zoom-in",
    title: "Zoom in",
    group: "View",
    icon: Plus,
    keys: ["Mod+=", "Mod++", "+", "="],
    onCanvas: true,
    run: () => useCanvas.getState().api?.zoomBy(1.25),
  },
  {
    id: "zoom-out",
    title: "Zoom out",
    group: "View",
    icon: Minus,
    keys: ["Mod+-", "-"],
    onCanvas: true,
    run: () => useCanvas.getState().api?.zoomBy(0.8),
  },
  {
    id: "zoom-full",
    title: "Zoom to 100 %",
    group: "View",
    keys: ["Mod+0"],
    onCanvas: true,
    run: () => useCanvas.getState().api?.zoomTo(1),
  },
  {
    id: "fit",
    title: "Show everything",
    group: "View",
    icon: Maximize,
    keys: ["Mod+1", "1"],
    words: "fit zoom all",
    onCanvas: true,
    run: () => useCanvas.getState().api?.fit(),
  },
  {
    id: "fit-selection",
    title: "Show the selection",
    group: "View",
    icon: ScanSearch,
    keys: [".", "Shift+2"],
    words: "fit zoom",
    onCanvas: true,
    run: () => useCanvas.getState().api?.fit(useEditor.getState().selection.steps),
  },
  {
    id: "tool-hand",
    title: "Move the canvas with the pointer",
    group: "View",
    icon: Hand,
    keys: ["H"],
    onCanvas: true,
    words: "pan",
    run: () => useCanvas.setState({ tool: "hand" }),
  },
  {
    id: "minimap",
    title: "Show or hide the overview",
    group: "View",
    icon: MapIcon,
    keys: ["M"],
    words: "minimap",
    onCanvas: true,
    run: () => useCanvas.setState((canvas) => ({ minimap: !canvas.minimap })),
  },
  {
    id: "tidy",
    title: "Tidy up",
    group: "Edit",
    icon: Sparkles,
    keys: ["Shift+Alt+T"],
    words: "layout arrange auto",
    onCanvas: true,
    isEdit: true,
    run: tidy,
  },
];
