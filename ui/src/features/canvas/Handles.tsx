import { Handle, Position } from "@xyflow/react";
import { Plus } from "lucide-react";
import { useCanvas } from "./canvas-store";
import { ERROR, OUT } from "./geometry";
import type { CardContent } from "./nodes";
import classes from "./StepNode.module.css";

const POSITION = { left: Position.Left, right: Position.Right, bottom: Position.Bottom };
/** Kinds that nothing comes after. */
const LAST = new Set(["end", "fail"]);

function nameOf(handle: string): string {
  if (handle === ERROR) return "error";
  return handle.startsWith("port:") ? handle.slice(5) : handle;
}

function titleOf(handle: string): string {
  if (handle === "in") return "Input";
  if (handle === OUT) return "On success";
  if (handle === ERROR) return "On error";
  return nameOf(handle);
}

/** Inlet and outlets of a card; a free outlet offers to add the next step. */
export function Handles({ data, id }: { data: CardContent; id: string }) {
  const { item, used, isLocked } = data;
  const isLast = LAST.has(item.step?.kind ?? "");
  const hasPorts = item.ports.length > 0;
  return item.handles.map((place) => {
    const isUsed = used.has(place.id);
    // A card with ports is left through them; its plain outlet shows when the pointer is near.
    const isQuiet = !isUsed && (place.id === ERROR || (place.id === OUT && hasPorts));
    if (place.type === "source" && isLast && !isUsed) return null;
    return (
      <span key={place.id}>
        <Handle
          id={place.id}
          type={place.type}
          position={POSITION[place.side]}
          className={classes.handle}
          data-testid={`handle-${id}-${nameOf(place.id)}`}
          data-kind={place.id === ERROR ? "error" : place.type}
          data-quiet={isQuiet || undefined}
          data-used={isUsed || undefined}
          title={titleOf(place.id)}
          isConnectable={!isLocked}
          style={{
            left: place.x,
            top: place.y,
            right: "auto",
            bottom: "auto",
            transform: "translate(-50%, -50%)",
          }}
        />
        {!isLocked &&
          place.type === "source" &&
          !isUsed &&
          place.id !== ERROR &&
          !(place.id === OUT && hasPorts) && (
            <button
              type="button"
              tabIndex={-1}
              className={`${classes.plus} nodrag nopan`}
              style={{ left: place.x + 22, top: place.y - 10 }}
              aria-label={`Add a step after ${titleOf(place.id)}`}
              onClick={(event) => {
                event.stopPropagation();
                const box = event.currentTarget.getBoundingClientRect();
                useCanvas.setState({
                  search: {
                    screen: [box.right + 8, box.top - 8],
                    parent: item.parent,
                    from: { step: id, handle: place.id },
                  },
                });
              }}
            >
              <Plus size={14} aria-hidden />
            </button>
          )}
      </span>
    );
  });
}
