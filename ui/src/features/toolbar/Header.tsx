import { ActionIcon, Button, Indicator, Menu, Tooltip, UnstyledButton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import {
  CircleAlert,
  CircleCheck,
  CommandIcon,
  EllipsisVertical,
  Inbox,
  LoaderCircle,
  Moon,
  Play,
  Redo2,
  Save,
  Settings,
  Square,
  Sun,
  TriangleAlert,
  Undo2,
} from "lucide-react";
import type { CommandGroup } from "../../app/command";
import { commands, findCommand, isEnabled, runCommand } from "../../app/commands";
import { keyLabels } from "../../app/keys";
import { inboxQuery } from "../../backend/queries";
import { HERE } from "../../backend/target";
import { Mark } from "../../components/Mark";
import { useEditor } from "../../state/editor";
import { useWhyNot } from "../../state/rights";
import { hasEnded, useRun } from "../../state/run";
import { useNameOf, useTargets } from "../../state/targets";
import { useView } from "../../state/view";
import { TargetMenu } from "../targets/TargetMenu";
import { DocumentName } from "./DocumentName";
import classes from "./toolbar.module.css";
import { UserMenu } from "./UserMenu";

function keysOf(id: string): string {
  const [keys] = findCommand(id).keys ?? [];
  return keys ? ` (${keyLabels(keys).join(" ")})` : "";
}

/** The document, what can be done with it as a whole, and what waits for a person. */
export function Header() {
  return (
    <header className={classes.header}>
      <Tooltip label="Start page">
        <UnstyledButton
          className={classes.mark}
          aria-label="Start page"
          onClick={() => runCommand("start-page")}
        >
          <Mark size={26} />
        </UnstyledButton>
      </Tooltip>
      <FileMenu />
      <DocumentName />
      <span className={classes.space} />
      <UndoRedo />
      <Validity />
      <span className={classes.divider} />
      <UserMenu />
      <InboxButton />
      <ThemeButton />
      <SettingsMenu />
      <Tooltip label={`All commands${keysOf("palette")}`}>
        <ActionIcon
          size="lg"
          aria-label={`All commands${keysOf("palette")}`}
          onClick={() => runCommand("palette")}
        >
          <CommandIcon size={17} />
        </ActionIcon>
      </Tooltip>
      <SaveButton />
      <TargetMenu />
      <RunButtons />
    </header>
  );
}

function FileMenu() {
  return (
    <Menu position="bottom-start" width={250}>
      <Menu.Target>
        <ActionIcon size="lg" aria-label="File menu">
          <EllipsisVertical size={17} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <CommandItems group="File" />
      </Menu.Dropdown>
    </Menu>
  );
}

/** What is set for Baton as a whole; the start page has it too. */
export function SettingsMenu() {
  return (
    <Menu position="bottom-end" width={250}>
      <Menu.Target>
        <ActionIcon size="lg" aria-label="Settings" title="Settings" data-testid="settings-menu">
          <Settings size={17} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <CommandItems group="Settings" />
      </Menu.Dropdown>
    </Menu>
  );
}

function CommandItems({ group }: { group: CommandGroup }) {
  return commands
    .filter((command) => command.group === group)
    .map((command) => {
      const Icon = command.icon;
      const [keys] = command.keys ?? [];
      return (
        <Menu.Item
          key={command.id}
          disabled={!isEnabled(command)}
          leftSection={Icon && <Icon size={15} />}
          rightSection={keys && <span className={classes.keys}>{keyLabels(keys).join(" ")}</span>}
          onClick={() => runCommand(command.id)}
          data-testid={`menu-${command.id}`}
        >
          {command.title}
        </Menu.Item>
      );
    });
}

function UndoRedo() {
  const undoLabel = useEditor((editor) => editor.past.at(-1)?.label);
  const redoLabel = useEditor((editor) => editor.future[0]?.label);
  const isRun = useRun((run) => run.runId !== null);
  const undo = `Undo${undoLabel ? ` “${undoLabel}”` : ""}${keysOf("undo")}`;
  const redo = `Redo${redoLabel ? ` “${redoLabel}”` : ""}${keysOf("redo")}`;
  return (
    <>
      <Tooltip label={undo}>
        <ActionIcon
          size="lg"
          aria-label={undo}
          disabled={undoLabel === undefined || isRun}
          data-testid="toolbar-undo"
          onClick={() => runCommand("undo")}
        >
          <Undo2 size={17} />
        </ActionIcon>
      </Tooltip>
      <Tooltip label={redo}>
        <ActionIcon
          size="lg"
          aria-label={redo}
          disabled={redoLabel === undefined || isRun}
          data-testid="toolbar-redo"
          onClick={() => runCommand("redo")}
        >
          <Redo2 size={17} />
        </ActionIcon>
      </Tooltip>
    </>
  );
}

/** How the check went, as a badge that opens the problems. */
function Validity() {
  const problems = useEditor((editor) => editor.check?.problems);
  const hasFailed = useEditor((editor) => editor.checkError !== null);
  const showPanel = useView((view) => view.showPanel);
  const errors = problems?.filter((each) => each.severity === "error").length ?? 0;
  const warnings = problems?.filter((each) => each.severity === "warning").length ?? 0;
  const tone = hasFailed || errors > 0 ? "failed" : warnings > 0 ? "warning" : "succeeded";
  const Icon = !problems
    ? LoaderCircle
    : tone === "failed"
      ? CircleAlert
      : tone === "warning"
        ? TriangleAlert
        : CircleCheck;
  const text = hasFailed
    ? "Not checked"
    : !problems
      ? "Checking"
      : errors > 0
        ? `${errors} ${errors === 1 ? "error" : "errors"}`
        : warnings > 0
          ? `${warnings} ${warnings === 1 ? "warning" : "warnings"}`
          : "Ready";
  return (
    <UnstyledButton
      className={classes.validity}
      style={{ color: `var(--bt-${tone})` }}
      data-testid="validity"
      onClick={() => showPanel("bottom", "problems")}
    >
      <Icon size={15} aria-hidden />
      {text}
    </UnstyledButton>
  );
}

function InboxButton() {
  const chosen = useTargets((targets) => targets.chosen);
  const count = useQuery(inboxQuery(chosen)).data?.items.length ?? 0;
  const showPanel = useView((view) => view.showPanel);
  const label = count === 0 ? "Inbox" : `Inbox, ${count} open`;
  return (
    <Tooltip label={label}>
      <Indicator disabled={count === 0} label={count} size={16} offset={6}>
        <ActionIcon
          size="lg"
          aria-label={label}
          data-testid="inbox-badge"
          onClick={() => showPanel("bottom", "inbox")}
        >
          <Inbox size={17} />
        </ActionIcon>
      </Indicator>
    </Tooltip>
  );
}

export function ThemeButton() {
  return (
    <Tooltip label="Light or dark">
      <ActionIcon
        size="lg"
        aria-label="Light or dark"
        data-testid="theme-toggle"
        onClick={() => runCommand("theme")}
      >
        <Moon size={17} className={classes.onLight} />
        <Sun size={17} className={classes.onDark} />
      </ActionIcon>
    </Tooltip>
  );
}

function SaveButton() {
  const dirty = useEditor((editor) => editor.dirty || editor.path === null);
  const isRun = useRun((run) => run.runId !== null);
  const whyNot = useWhyNot("workflow_save");
  return (
    <Button
      size="sm"
      variant="default"
      leftSection={<Save size={15} />}
      disabled={!dirty || isRun || whyNot !== null}
      title={whyNot ?? `Save${keysOf("save")}`}
      data-testid="save-button"
      onClick={() => runCommand("save")}
    >
      Save
    </Button>
  );
}

function RunButtons() {
  const isGoing = useRun((run) => run.view !== null && !hasEnded(run.view.summary.status));
  const target = useRun((run) => run.target);
  const chosen = useTargets((targets) => targets.chosen);
  const place = useNameOf(chosen);
  const whyNotStop = useWhyNot("run_cancel", target);
  const whyNotRun = useWhyNot("run_start", chosen);
  if (isGoing) {
    return (
      <Button
        size="sm"
        color="red"
        variant="light"
        leftSection={<Square size={13} fill="currentColor" />}
        disabled={whyNotStop !== null}
        title={whyNotStop ?? `Stop${keysOf("stop")}`}
        data-testid="stop-button"
        onClick={() => runCommand("stop")}
      >
        Stop
      </Button>
    );
  }
  return (
    <Button
      size="sm"
      leftSection={<Play size={14} fill="currentColor" />}
      disabled={whyNotRun !== null}
      title={whyNotRun ?? `Run${chosen === HERE ? "" : ` on ${place}`}${keysOf("run")}`}
      data-testid="run-button"
      onClick={() => runCommand("run")}
    >
      Run
    </Button>
  );
}
