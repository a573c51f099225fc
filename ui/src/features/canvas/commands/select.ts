import { BoxSelect, MousePointer2 } from "lucide-react";
import type { Command } from "../../../app/command";
import { edgeKey, graphOf, splitFrom } from "../../../state/document";
import { useEditor } from "../../../state/editor";
import { useRun } from "../../../state/run";
import { useCanvas } from "../canvas-store";
import type { Item } from "../scene";
import { type Direction, walk } from "../walk";

function show(ids: string[]): void {
  useEditor.getState().select({ steps: ids });
  useCanvas.getState().api?.reveal(ids.slice(-1));
}

function walkTo(direction: Direction): void {
  const { scene } = useCanvas.getState();
  const { steps } = useEditor.getState().selection;
  const next = walk(scene, steps.at(-1) ?? null, direction);
  if (next !== null) show([next]);
}

function walkCommand(direction: Direction, arrow: string, title: string): Command {
  return {
    id: `walk-${direction}`,
    title,
    group: "Select",
    keys: [arrow],
    onCanvas: true,
    run: () => walkTo(direction),
  };
}

/** All steps before or after the selected ones, along the edges. */
function selectAlong(end: "before" | "after"): void {
  const { scene } = useCanvas.getState();
  const found = new Set(useEditor.getState().selection.steps);
  const queue = [...found];
  for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
    for (const edge of scene.edges) {
      const next =
        end === "after" ? (edge.source === id ? edge.target : null) : edge.target === id ? edge.source : null;
      if (next !== null && !found.has(next)) {
        found.add(next);
        queue.push(next);
      }
    }
  }
  useEditor.getState().select({ steps: [...found] });
}

const hasStep = () => useEditor.getState().selection.steps.length > 0;

export const selectCommands: Command[] = [
  {
    id: "select-all",
    title: "Select all",
    group: "Select",
    icon: BoxSelect,
    keys: ["Mod+A"],
    onCanvas: true,
    run() {
      const items = [...useCanvas.getState().scene.items.values()];
      const { selection, doc } = useEditor.getState();
      const [first] = selection.steps;
      // Inside a container "all" is all of it.
      const parent =
        first !== undefined ? (useCanvas.getState().scene.items.get(first)?.parent ?? null) : null;
      const inGraph = (item: Item) => item.parent === parent;
      const chosen = items.filter(inGraph);
      const steps = chosen.filter((item) => item.type !== "note").map((item) => item.id);
      const graph =
        doc && first !== undefined && useRun.getState().runId === null ? graphOf(doc, first) : doc;
      useEditor.getState().select({
        steps,
        notes: chosen.filter((item) => item.type === "note").map((item) => item.id),
        edges: (graph?.edges ?? []).filter((edge) => steps.includes(splitFrom(edge.from).step)).map(edgeKey),
      });
    },
  },
  {
    id: "select-none",
    title: "Select nothing",
    group: "Select",
    keys: ["Escape"],
    onCanvas: true,
    run() {
      const canvas = useCanvas.getState();
      if (canvas.search || canvas.menu || canvas.renaming) {
        useCanvas.setState({ search: null, menu: null, renaming: null });
        return;
      }
      const { steps, edges, notes } = useEditor.getState().selection;
      if (steps.length + edges.length + notes.length > 0) useEditor.getState().clearSelection();
      // With nothing to leave, Escape leaves the canvas: Tab adds steps here and cannot.
      else document.querySelector<HTMLElement>("header button")?.focus();
    },
  },
  walkCommand("right", "ArrowRight", "Go to the next step"),
  walkCommand("left", "ArrowLeft", "Go to the step before"),
  walkCommand("down", "ArrowDown", "Go to the step below"),
  walkCommand("up", "ArrowUp", "Go to the step above"),
  {
    id: "select-after",
    title: "Select everything after",
    group: "Select",
    keys: ["Shift+ArrowRight"],
    words: "downstream",
    onCanvas: true,
    when: hasStep,
    run: () => selectAlong("after"),
  },
  {
    id: "select-before",
    title: "Select everything before",
    group: "Select",
    keys: ["Shift+ArrowLeft"],
    words: "upstream",
    onCanvas: true,
    when: hasStep,
    run: () => selectAlong("before"),
  },
  {
    id: "tool-select",
    title: "Select with the pointer",
    group: "Select",
    icon: MousePointer2,
    keys: ["V"],
    onCanvas: true,
    run: () => useCanvas.setState({ tool: "select" }),
  },
];
