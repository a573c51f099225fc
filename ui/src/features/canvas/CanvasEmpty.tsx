import { Button, Kbd, Text } from "@mantine/core";
import { Plus } from "lucide-react";
import classes from "./Canvas.module.css";
import { useCanvas } from "./canvas-store";

/** An empty document: where to begin. */
export function CanvasEmpty({ isLocked }: { isLocked: boolean }) {
  return (
    <div className={classes.emptyState}>
      <div className={classes.emptyBox}>
        <Text fw={600} size="lg">
          {isLocked ? "There are no steps in here" : "What should happen first?"}
        </Text>
        {!isLocked && (
          <>
            <Text size="sm" c="dimmed" maw={320}>
              Drag a step from the left, double-click anywhere, or press <Kbd size="xs">Tab</Kbd>.
            </Text>
            <Button
              size="sm"
              leftSection={<Plus size={16} />}
              onClick={(event) => {
                const box = event.currentTarget.getBoundingClientRect();
                const { api } = useCanvas.getState();
                const middle = api?.center() ?? [0, 0];
                useCanvas.setState({
                  search: {
                    screen: [box.left, box.bottom + 8],
                    at: [middle[0] - 110, middle[1] - 36],
                    parent: null,
                  },
                });
              }}
            >
              Add the first step
            </Button>
          </>
        )}
      </div>
    </div>
  );
}
