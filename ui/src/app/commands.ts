import { spotlight } from "@mantine/spotlight";
import {
  ArchiveRestore,
  CheckCheck,
  CircleHelp,
  Command as CommandIcon,
  FilePlus2,
  FolderOpen,
  Gauge,
  Home,
  Image,
  Monitor,
  MonitorCog,
  Moon,
  Mouse,
  PanelBottom,
  Play,
  Plus,
  Redo2,
  Save,
  SaveAll,
  Server,
  ShieldAlert,
  Square,
  SunMoon,
  Undo2,
  Webhook,
  Zap,
} from "lucide-react";
import { callAt } from "../backend/call";
import { HERE } from "../backend/target";
import { useCanvas } from "../features/canvas/canvas-store";
import { canvasCommands } from "../features/canvas/commands";
import { startRun } from "../features/runs/start-run";
import { activateTriggers } from "../features/triggers/act";
import { ask } from "../state/ask";
import { useEditor } from "../state/editor";
import { createWorkflow, goToStart, openWithDialog, save, saveAs, saveImage } from "../state/files";
import { whyNot } from "../state/rights";
import { hasEnded, runName, useRun } from "../state/run";
import { useSettings } from "../state/settings";
import { useSystem } from "../state/system";
import { useTargets } from "../state/targets";
import { tell, tellError } from "../state/tell";
import { useView } from "../state/view";
import type { Command } from "./command";
import { panels, panelsOf } from "./panels";

const isOpen = () => useEditor.getState().doc !== null;
const isEditing = () => isOpen() && useRun.getState().runId === null;

/** Stops the run that is shown, if it still goes on. */
export async function stopRun(): Promise<void> {
  const { runId, target, view } = useRun.getState();
  if (runId === null || !view || hasEnded(view.summary.status)) return;
  const answer = await ask({
    title: `Stop run ${runName(view.summary)}?`,
    text: "Steps that are running are told to stop. What is done stays done, unless it is taken back.",
    answers: [
      { value: "stop", label: "Stop", look: "primary" },
      { value: "undo", label: "Stop and take back" },
    ],
  });
  if (answer === null) return;
  try {
    await callAt(target, "run_cancel", { run: runId, undo: answer === "undo" });
  } catch (thrown) {
    tellError("The run was not stopped", thrown);
  }
}

export function toggleTheme(): void {
  const { theme, change } = useSettings.getState();
  const isDark = document.documentElement.dataset.mantineColorScheme === "dark";
  change({ theme: isDark ? "light" : "dark" });
  if (theme === "system")
    tell(`Always ${isDark ? "light" : "dark"} now; the settings can follow the system again`);
}

/** Everything that a person can do: menu, command palette, keys and help are made from this. */
export const commands: readonly Command[] = [
  {
    id: "new",
    needs: "draft_put",
    title: "New workflow",
    group: "File",
    icon: FilePlus2,
    keys: ["Mod+Alt+N"],
    inText: true,
    run: createWorkflow,
  },
  {
    id: "open",
    needs: "folder_list",
    title: "Open…",
    group: "File",
    icon: FolderOpen,
    keys: ["Mod+O"],
    inText: true,
    run: openWithDialog,
  },
  {
    id: "save",
    needs: "workflow_save",
    title: "Save",
    group: "File",
    icon: Save,
    keys: ["Mod+S"],
    inText: true,
    when: isEditing,
    run: save,
  },
  {
    id: "save-as",
    needs: "workflow_save",
    title: "Save as…",
    group: "File",
    icon: SaveAll,
    keys: ["Mod+Shift+S"],
    inText: true,
    when: isEditing,
    run: saveAs,
  },
  {
    id: "save-image",
    title: "Save a picture…",
    group: "File",
    icon: Image,
    words: "svg export image",
    when: isOpen,
    run: saveImage,
  },
  {
    id: "activate",
    needs: "trigger_activate",
    title: "Activate the triggers",
    group: "Run",
    icon: Zap,
    words: "schedule webhook file watch deploy",
    when: () => isEditing() && (useEditor.getState().doc?.triggers.length ?? 0) > 0,
    run: activateTriggers,
  },
  { id: "start-page", title: "Start page", group: "File", icon: Home, when: isOpen, run: goToStart },
  {
    id: "undo",
    title: "Undo",
    group: "Edit",
    icon: Undo2,
    keys: ["Mod+Z"],
    when: () => isEditing() && useEditor.getState().past.length > 0,
    run: () => useEditor.getState().undo(),
  },
  {
    id: "redo",
    title: "Redo",
    group: "Edit",
    icon: Redo2,
    keys: ["Mod+Shift+Z", "Mod+Y"],
    when: () => isEditing() && useEditor.getState().future.length > 0,
    run: () => useEditor.getState().redo(),
  },
  {
    id: "run",
    needs: "run_start",
    where: () => useTargets.getState().chosen,
    title: "Run…",
    group: "Run",
    icon: Play,
    keys: ["Mod+Enter"],
    inText: true,
    when: isOpen,
    run: startRun,
  },
  {
    id: "stop",
    needs: "run_cancel",
    where: () => useRun.getState().target,
    title: "Stop the run",
    group: "Run",
    icon: Square,
    keys: ["Shift+F5"],
    inText: true,
    when: () => {
      const { view } = useRun.getState();
      return view !== null && !hasEnded(view.summary.status);
    },
    run: stopRun,
  },
  {
    id: "target",
    title: "Where runs go…",
    group: "Run",
    icon: MonitorCog,
    keys: ["Mod+Shift+Enter"],
    words: "target server temporal cluster connection computer",
    inText: true,
    when: isOpen,
    run: () => useTargets.getState().openMenu(true),
  },
  {
    id: "target-here",
    title: "Run here, not on a target",
    group: "Run",
    icon: Monitor,
    words: "target local here",
    when: () => useTargets.getState().chosen !== HERE,
    run: () => useTargets.getState().choose(HERE),
  },
  {
    id: "target-add",
    needs: "target_add",
    title: "Add a target…",
    group: "Settings",
    icon: Plus,
    words: "server temporal cluster connection where runs go",
    run: () => useTargets.getState().show({ view: "form", target: null }),
  },
  {
    id: "targets",
    title: "Targets…",
    group: "Settings",
    icon: Server,
    words: "server temporal cluster connection where runs go manage",
    run: () => useTargets.getState().show({ view: "list" }),
  },
  {
    id: "close-run",
    title: "Back to editing",
    group: "Run",
    when: () => useRun.getState().runId !== null,
    run: () => useRun.getState().closeRun(),
  },
  {
    id: "webhooks",
    title: "Webhooks…",
    group: "Settings",
    icon: Webhook,
    words: "http request port listen call address curl secret triggers",
    run: () => useSystem.getState().show("webhooks"),
  },
  {
    id: "limits",
    title: "Limits…",
    group: "Settings",
    icon: Gauge,
    words: "settings budgets concurrency resources disk rate",
    run: () => useSystem.getState().show("limits"),
  },
  {
    id: "safe-mode",
    title: "Safe mode and starts…",
    group: "Settings",
    icon: ShieldAlert,
    words: "crash quarantine set aside release",
    run: () => useSystem.getState().show("safe-mode"),
  },
  {
    id: "check",
    title: "Check the workflow",
    group: "Run",
    icon: CheckCheck,
    words: "validate problems",
    when: isOpen,
    async run() {
      const check = await useEditor.getState().checkNow();
      if (check) useView.getState().showPanel("bottom", "problems");
    },
  },
  {
    id: "palette",
    title: "All commands",
    group: "Help",
    icon: CommandIcon,
    keys: ["Mod+K", "Mod+Shift+P"],
    inText: true,
    run() {
      useView.setState({ isFinding: false });
      spotlight.open();
    },
  },
  {
    id: "find",
    title: "Go to a step…",
    group: "View",
    keys: ["Mod+F", "Mod+P"],
    words: "search find",
    inText: true,
    when: isOpen,
    run() {
      useView.setState({ isFinding: true });
      spotlight.open();
    },
  },
  {
    id: "help",
    title: "Keys",
    group: "Help",
    icon: CircleHelp,
    keys: ["?"],
    words: "shortcuts help",
    run: () => useView.getState().openDialog("help"),
  },
  {
    id: "backups",
    needs: "backup_list",
    title: "Backups…",
    group: "Settings",
    icon: ArchiveRestore,
    words: "backup restore copy keep safe settings data folder",
    run: () => useView.getState().openDialog("backups"),
  },
  {
    id: "theme",
    title: "Light or dark",
    group: "Settings",
    icon: Moon,
    words: "theme colour",
    run: toggleTheme,
  },
  {
    id: "follow-system",
    title: "Light or dark as the system",
    group: "Settings",
    icon: SunMoon,
    words: "theme auto",
    run: () => useSettings.getState().change({ theme: "system" }),
  },
  {
    id: "wheel",
    title: "Wheel: zoom or scroll",
    group: "Settings",
    icon: Mouse,
    words: "mouse trackpad pan settings",
    run() {
      const { wheel, change } = useSettings.getState();
      change({ wheel: wheel === "mouse" ? "trackpad" : "mouse" });
      tell(
        wheel === "mouse"
          ? "The wheel and two fingers move the canvas; with Ctrl they zoom"
          : "The wheel zooms",
      );
    },
  },
  {
    id: "toggle-bottom",
    title: "Show or hide the bottom panel",
    group: "Panels",
    icon: PanelBottom,
    keys: ["Mod+B"],
    when: isOpen,
    run() {
      const { bottom, showPanel } = useView.getState();
      showPanel("bottom", bottom === null ? (panelsOf("bottom")[0]?.id ?? null) : null);
    },
  },
  ...panels.map(
    (panel): Command => ({
      id: `panel-${panel.id}`,
      title: `Show ${panel.title.toLowerCase()}`,
      group: "Panels",
      icon: panel.icon,
      keys: [panel.shortcut],
      inText: true,
      when: isOpen,
      run() {
        const view = useView.getState();
        view.showPanel(panel.area, view[panel.area] === panel.id ? null : panel.id);
      },
    }),
  ),
  ...canvasCommands,
];

/** Whether a command can be carried out now. */
export function isEnabled(command: Command): boolean {
  if (command.onCanvas && useCanvas.getState().api === null) return false;
  if (command.isEdit && (!isEditing() || useEditor.getState().readOnly !== null)) return false;
  if (command.needs && whyNot(command.needs, command.where?.()) !== null) return false;
  return command.when?.() ?? true;
}

export function findCommand(id: string): Command {
  const command = commands.find((each) => each.id === id);
  if (!command) throw new Error(`no command \`${id}\``);
  return command;
}

export function runCommand(id: string): void {
  const command = findCommand(id);
  if (!isEnabled(command)) return;
  Promise.resolve(command.run()).catch((thrown: unknown) =>
    tellError(`“${command.title}” did not work`, thrown),
  );
}
