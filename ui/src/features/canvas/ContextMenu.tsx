import { Kbd, Menu } from "@mantine/core";
import { findCommand, isEnabled, runCommand } from "../../app/commands";
import { keyLabels } from "../../app/keys";
import { findEdge } from "../../state/document";
import { useEditor } from "../../state/editor";
import { useCanvas } from "./canvas-store";
import { setEdgeOn } from "./edits";

const FOR_STEP = [
  ["configure", "rename", "append-step", "connect", "replace"],
  ["cut", "copy", "duplicate", "toggle-disabled", "move-out"],
  ["select-after", "select-before"],
  ["delete", "delete-heal"],
];
const FOR_NOTE = [["cut", "copy", "duplicate"], ["delete"]];
const FOR_EDGE = [["delete"]];
const FOR_CANVAS = [
  ["add-step", "add-note", "paste"],
  ["select-all", "tidy", "fit"],
];

/** What can be done with what was pressed: commands of the one list, with their keys. */
export function ContextMenu({ isLocked }: { isLocked: boolean }) {
  const menu = useCanvas((canvas) => canvas.menu);
  const doc = useEditor((editor) => editor.doc);
  if (!menu) return null;
  const { step, edge, note } = menu.target;
  const groups =
    step !== undefined
      ? FOR_STEP
      : edge !== undefined
        ? FOR_EDGE
        : note !== undefined
          ? FOR_NOTE
          : FOR_CANVAS;
  const found = edge !== undefined && doc && !isLocked ? findEdge(doc, edge) : undefined;

  function close(): void {
    useCanvas.setState({ menu: null });
  }

  return (
    <Menu
      opened
      onClose={close}
      position="bottom-start"
      width={310}
      withinPortal
      offset={0}
      key={menu.screen.join()}
    >
      <Menu.Target>
        <div style={{ position: "fixed", left: menu.screen[0], top: menu.screen[1], width: 1, height: 1 }} />
      </Menu.Target>
      <Menu.Dropdown>
        {edge !== undefined && found && (
          <>
            <Menu.Item
              disabled={isLocked}
              onClick={() => {
                useCanvas.setState({ search: { screen: menu.screen, parent: found.parent, edge } });
              }}
            >
              Insert a step…
            </Menu.Item>
            <Menu.Label>Taken</Menu.Label>
            {(
              [
                [null, "on success"],
                ["error", "on error"],
                ["always", "always"],
              ] as const
            ).map(([on, label]) => (
              <Menu.Item
                key={label}
                disabled={found.edge.from.includes(".") && on !== null}
                leftSection={
                  <span style={{ width: 14, display: "inline-block" }}>
                    {(found.edge.on ?? null) === on ? "✓" : ""}
                  </span>
                }
                onClick={() => setEdgeOn(edge, on)}
              >
                {label}
              </Menu.Item>
            ))}
            <Menu.Divider />
          </>
        )}
        {groups.map((ids, index) => {
          const shown = ids.map(findCommand).filter(isEnabled);
          if (shown.length === 0) return null;
          return (
            <div key={ids.join()}>
              {index > 0 && <Menu.Divider />}
              {shown.map((command) => {
                const Icon = command.icon;
                const [keys] = command.keys ?? [];
                return (
                  <Menu.Item
                    key={command.id}
                    {...(command.id.startsWith("delete") ? { color: "red" } : {})}
                    leftSection={
                      Icon ? <Icon size={14} /> : <span style={{ width: 14, display: "inline-block" }} />
                    }
                    rightSection={keys && <Kbd size="xs">{keyLabels(keys).join(" ")}</Kbd>}
                    onClick={() => {
                      close();
                      runCommand(command.id);
                    }}
                  >
                    {command.title}
                  </Menu.Item>
                );
              })}
            </div>
          );
        })}
      </Menu.Dropdown>
    </Menu>
  );
}
