import { ClipboardPaste, Copy, CopyPlus, Scissors } from "lucide-react";
import type { Command } from "../../../app/command";
import { isInText } from "../../../app/keys";
import { type Clip, parseClip } from "../../../state/document";
import { useEditor } from "../../../state/editor";
import { useRun } from "../../../state/run";
import { tell } from "../../../state/tell";
import { useCanvas } from "../canvas-store";
import { copySelected, deleteSelected, duplicateSelected, paste } from "../edits";
import { containerAt } from "../scene";

/** What was copied last in this window, for where the clipboard of the system cannot be read. */
let lastText = "";
let wantsInbound = false;

function textOfSelection(): string | null {
  const clip = copySelected();
  if (!clip) return null;
  lastText = `${JSON.stringify(clip, null, 2)}\n`;
  return lastText;
}

function isLocked(): boolean {
  return useRun.getState().runId !== null || useEditor.getState().readOnly !== null;
}

function pasteText(text: string, keepInbound: boolean): boolean {
  const clip: Clip | null = parseClip(text);
  if (!clip || isLocked()) return false;
  const { api, scene } = useCanvas.getState();
  if (!api) return false;
  const at = api.pointer();
  paste(clip, at, containerAt(scene, at)?.id ?? null, { keepInbound });
  return true;
}

async function writeText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch (thrown) {
    console.info("only this window has the copy", thrown);
  }
}

async function readText(): Promise<string> {
  try {
    return (await navigator.clipboard.readText()) || lastText;
  } catch {
    return lastText;
  }
}

const hasSelection = () => {
  const { steps, notes } = useEditor.getState().selection;
  return steps.length + notes.length > 0;
};

export const clipboardCommands: Command[] = [
  {
    id: "cut",
    title: "Cut",
    group: "Edit",
    icon: Scissors,
    keys: ["Mod+X"],
    isNative: true,
    onCanvas: true,
    isEdit: true,
    when: hasSelection,
    async run() {
      const text = textOfSelection();
      if (text === null) return;
      await writeText(text);
      deleteSelected({ heal: false });
    },
  },
  {
    id: "copy",
    title: "Copy",
    group: "Edit",
    icon: Copy,
    keys: ["Mod+C"],
    isNative: true,
    onCanvas: true,
    when: hasSelection,
    async run() {
      const text = textOfSelection();
      if (text !== null) await writeText(text);
    },
  },
  {
    id: "paste",
    title: "Paste",
    group: "Edit",
    icon: ClipboardPaste,
    keys: ["Mod+V"],
    isNative: true,
    onCanvas: true,
    isEdit: true,
    async run() {
      if (!pasteText(await readText(), false)) tell("There are no steps in the clipboard");
    },
  },
  {
    id: "paste-wired",
    title: "Paste with incoming edges",
    group: "Edit",
    keys: ["Mod+Shift+V"],
    isNative: true,
    onCanvas: true,
    isEdit: true,
    async run() {
      if (!pasteText(await readText(), true)) tell("There are no steps in the clipboard");
    },
  },
  {
    id: "duplicate",
    title: "Duplicate",
    group: "Edit",
    icon: CopyPlus,
    keys: ["Mod+D"],
    onCanvas: true,
    isEdit: true,
    when: hasSelection,
    run: duplicateSelected,
  },
];

/** Listens to the copy, cut and paste of the browser: they need no permission. */
export function listenToClipboard(): () => void {
  let waiting: ReturnType<typeof setTimeout> | undefined;

  function onCopy(event: ClipboardEvent): void {
    if (isInText(event.target) || !window.getSelection()?.isCollapsed) return;
    const text = textOfSelection();
    if (text === null || !event.clipboardData) return;
    event.clipboardData.setData("text/plain", text);
    event.preventDefault();
    if (event.type === "cut" && !isLocked()) deleteSelected({ heal: false });
  }

  function onPaste(event: ClipboardEvent): void {
    clearTimeout(waiting);
    if (isInText(event.target)) return;
    const text = event.clipboardData?.getData("text/plain") || lastText;
    if (pasteText(text, wantsInbound)) event.preventDefault();
    wantsInbound = false;
  }

  function onKey(event: KeyboardEvent): void {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "v" || isInText(event.target))
      return;
    wantsInbound = event.shiftKey;
    // Some web views send no paste event outside of a text field.
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      if (lastText !== "") pasteText(lastText, wantsInbound);
    }, 150);
  }

  document.addEventListener("copy", onCopy);
  document.addEventListener("cut", onCopy);
  document.addEventListener("paste", onPaste);
  window.addEventListener("keydown", onKey);
  return () => {
    clearTimeout(waiting);
    document.removeEventListener("copy", onCopy);
    document.removeEventListener("cut", onCopy);
    document.removeEventListener("paste", onPaste);
    window.removeEventListener("keydown", onKey);
  };
}
