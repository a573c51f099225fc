import {
  CirclePlus,
  EyeOff,
  PencilLine,
  Plus,
  Replace,
  SquareArrowOutUpRight,
  StickyNote,
  Trash2,
  Unplug,
  Waypoints,
} from "lucide-react";
import type { Command } from "../../../app/command";
import { findStep, type XY } from "../../../state/document";
import { useEditor } from "../../../state/editor";
import { useFocus } from "../../../state/focus";
import { useView } from "../../../state/view";
import { useCanvas } from "../canvas-store";
import { addNote, deleteSelected, moveOut, nudge, toggleDisabled } from "../edits";
import { GRID, OUT, portHandle } from "../geometry";
import { containerAt } from "../scene";

function onlyStep(): string | null {
  const { steps } = useEditor.getState().selection;
  return steps.length === 1 ? (steps[0] ?? null) : null;
}

const hasStep = () => useEditor.getState().selection.steps.length > 0;
const hasAny = () => {
  const { steps, edges, notes } = useEditor.getState().selection;
  return steps.length + edges.length + notes.length > 0;
};

function openSearch(): void {
  const { api, scene } = useCanvas.getState();
  if (!api) return;
  const at = api.pointer();
  const screen = api.toScreen(at);
  useCanvas.setState({ search: { screen, at, parent: containerAt(scene, at)?.id ?? null } });
}

/** The search for what comes after a step: at its first free outlet. */
function openAppend(id: string): void {
  const { api, scene } = useCanvas.getState();
  const item = scene.items.get(id);
  if (!api || !item) return;
  const outlets = item.ports.length > 0 ? item.ports.map((port) => portHandle(port.name)) : [OUT];
  const isFree = (handle: string) =>
    !scene.edges.some((edge) => edge.source === id && edge.sourceHandle === handle);
  const handle = outlets.find(isFree) ?? outlets[0] ?? OUT;
  const [x, y] = api.toScreen([item.x + item.w + 24, item.y]);
  useCanvas.setState({ search: { screen: [x, y], parent: item.parent, from: { step: id, handle } } });
}

function nudgeCommand(direction: string, arrow: string, [dx, dy]: XY): Command[] {
  return [1, 10].map((times) => ({
    id: `nudge-${direction}-${times}`,
    title: `Move ${direction}${times > 1 ? " by ten" : ""}`,
    group: "Edit",
    keys: [`Alt+${times > 1 ? "Shift+" : ""}${arrow}`],
    onCanvas: true,
    isEdit: true,
    when: hasAny,
    run: () => nudge(dx * GRID * times, dy * GRID * times),
  }));
}

export const stepCommands: Command[] = [
  {
    id: "add-step",
    title: "Add a step…",
    group: "Steps",
    icon: Plus,
    keys: ["Tab", "/"],
    onCanvas: true,
    isEdit: true,
    run: openSearch,
  },
  {
    id: "append-step",
    title: "Add what comes next…",
    group: "Steps",
    icon: CirclePlus,
    keys: ["A"],
    words: "append after",
    onCanvas: true,
    isEdit: true,
    when: () => onlyStep() !== null,
    run: () => {
      const id = onlyStep();
      if (id !== null) openAppend(id);
    },
  },
  {
    id: "connect",
    title: "Connect to…",
    group: "Steps",
    icon: Waypoints,
    keys: ["C"],
    words: "wire edge",
    onCanvas: true,
    isEdit: true,
    when: () => onlyStep() !== null,
    run: () => useView.getState().openDialog("connect"),
  },
  {
    id: "replace",
    title: "Replace by another kind…",
    group: "Steps",
    icon: Replace,
    keys: ["R"],
    onCanvas: true,
    isEdit: true,
    when: () => onlyStep() !== null,
    run() {
      const id = onlyStep();
      const { api, scene } = useCanvas.getState();
      const item = id === null ? undefined : scene.items.get(id);
      if (id === null || !item || !api) return;
      const screen = api.toScreen([item.x, item.y + item.h + 8]);
      useCanvas.setState({ search: { screen, parent: item.parent, replace: id } });
    },
  },
  {
    id: "rename",
    title: "Rename",
    group: "Steps",
    icon: PencilLine,
    keys: ["F2"],
    onCanvas: true,
    isEdit: true,
    when: () => onlyStep() !== null,
    run: () => useCanvas.setState({ renaming: onlyStep() }),
  },
  {
    id: "configure",
    title: "Settings of the step",
    group: "Steps",
    keys: ["Enter"],
    words: "open inspector configure",
    onCanvas: true,
    when: () => onlyStep() !== null,
    run() {
      const id = onlyStep();
      useView.getState().showPanel("right", "inspector");
      if (id !== null) useFocus.getState().focusField({ step: id, field: "with" });
    },
  },
  {
    id: "toggle-disabled",
    title: "Disable or enable",
    group: "Steps",
    icon: EyeOff,
    keys: ["D"],
    words: "mute skip off on",
    onCanvas: true,
    isEdit: true,
    when: hasStep,
    run: toggleDisabled,
  },
  {
    id: "move-out",
    title: "Move out of its container",
    group: "Steps",
    icon: SquareArrowOutUpRight,
    onCanvas: true,
    isEdit: true,
    when: () => {
      const id = onlyStep();
      return id !== null && (useCanvas.getState().scene.items.get(id)?.parent ?? null) !== null;
    },
    run() {
      const id = onlyStep();
      if (id !== null) moveOut(id);
    },
  },
  {
    id: "add-note",
    title: "Add a note",
    group: "Steps",
    icon: StickyNote,
    keys: ["N"],
    onCanvas: true,
    isEdit: true,
    run() {
      const { api } = useCanvas.getState();
      if (api) addNote(api.pointer());
    },
  },
  {
    id: "delete",
    title: "Delete",
    group: "Edit",
    icon: Trash2,
    keys: ["Delete", "Backspace"],
    onCanvas: true,
    isEdit: true,
    when: hasAny,
    run: () => deleteSelected({ heal: false }),
  },
  {
    id: "delete-heal",
    title: "Delete and join the neighbours",
    group: "Edit",
    icon: Unplug,
    keys: ["Mod+Delete", "Mod+Backspace"],
    words: "heal reconnect",
    onCanvas: true,
    isEdit: true,
    when: hasStep,
    run: () => deleteSelected({ heal: true }),
  },
  {
    id: "pin",
    title: "Remove pinned data",
    group: "Steps",
    keys: ["P"],
    onCanvas: true,
    isEdit: true,
    when: () => {
      const { doc } = useEditor.getState();
      const id = onlyStep();
      return doc !== null && id !== null && findStep(doc, id)?.pin !== undefined;
    },
    run() {
      const id = onlyStep();
      if (id === null) return;
      useEditor.getState().edit("Remove pinned data", (draft) => {
        const step = findStep(draft, id);
        if (step) delete step.pin;
      });
    },
  },
  ...nudgeCommand("left", "ArrowLeft", [-1, 0]),
  ...nudgeCommand("right", "ArrowRight", [1, 0]),
  ...nudgeCommand("up", "ArrowUp", [0, -1]),
  ...nudgeCommand("down", "ArrowDown", [0, 1]),
];
