import { Group, Kbd, Modal, SimpleGrid, Text } from "@mantine/core";
import { useView } from "../state/view";
import { commands } from "./commands";
import classes from "./HelpDialog.module.css";
import { keyLabels } from "./keys";

const POINTER: [what: string, how: string][] = [
  ["Move the canvas", "Space or middle button + drag"],
  ["Zoom", "Wheel, pinch"],
  ["Select several", "Drag on the canvas, Shift + drag"],
  ["Add to the selection", "Ctrl + click"],
  ["Add a step", "Double-click"],
  ["Place freely, without the grid", "Alt + drag"],
];

/** All keys, from the list of commands. */
export function HelpDialog() {
  const isOpen = useView((view) => view.dialog === "help");
  const close = useView((view) => view.closeDialog);
  const groups = [...new Set(commands.map((command) => command.group))];
  return (
    <Modal opened={isOpen} onClose={close} title="Keys and pointer" size="56rem" centered>
      <div className={classes.columns}>
        {groups.map((group) => {
          const shown = commands.filter((command) => command.group === group && command.keys);
          if (shown.length === 0) return null;
          return (
            <section key={group} className={classes.group}>
              <h3 className={classes.heading}>{group}</h3>
              {shown.map((command) => (
                <div key={command.id} className={classes.row}>
                  <span>{command.title.replace("…", "")}</span>
                  <Group gap={8} wrap="nowrap">
                    {command.keys?.slice(0, 2).map((keys) => (
                      <span key={keys} className={classes.keys}>
                        {keyLabels(keys).map((label) => (
                          <Kbd key={label} size="xs">
                            {label}
                          </Kbd>
                        ))}
                      </span>
                    ))}
                  </Group>
                </div>
              ))}
            </section>
          );
        })}
        <section className={classes.group}>
          <h3 className={classes.heading}>Pointer</h3>
          <SimpleGrid cols={1} spacing={0}>
            {POINTER.map(([what, how]) => (
              <div key={what} className={classes.row}>
                <span>{what}</span>
                <Text span size="xs" c="dimmed">
                  {how}
                </Text>
              </div>
            ))}
          </SimpleGrid>
        </section>
      </div>
    </Modal>
  );
}
