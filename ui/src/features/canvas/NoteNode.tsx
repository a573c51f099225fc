import { type NodeProps, NodeResizer } from "@xyflow/react";
import { memo, useState } from "react";
import { setNoteText, sizeNote } from "./edits";
import type { CardNode } from "./nodes";
import classes from "./StepNode.module.css";

/** A note on the canvas. A double click edits it. */
export const NoteNode = memo(function NoteNode({ data, selected }: NodeProps<CardNode>) {
  const [isEditing, setEditing] = useState(false);
  const { note } = data.item;
  if (!note) return null;
  const text = note.text.join("\n");
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Enter edits the selected note as well
    <div
      className={classes.note}
      data-testid={`note-${note.id}`}
      data-selected={selected || undefined}
      style={{ width: data.item.w, height: data.item.h }}
      onDoubleClick={(event) => {
        event.stopPropagation();
        if (!data.isLocked) setEditing(true);
      }}
    >
      {selected && !data.isLocked && (
        <NodeResizer
          minWidth={120}
          minHeight={60}
          onResizeEnd={(_, size) => sizeNote(note.id, [size.x, size.y], [size.width, size.height])}
        />
      )}
      {isEditing ? (
        <textarea
          className={`${classes.noteField} nodrag nopan nowheel`}
          aria-label="Text of the note"
          // biome-ignore lint/a11y/noAutofocus: the person asked for the field by a double click
          autoFocus
          defaultValue={text}
          onBlur={(event) => {
            setNoteText(note.id, event.currentTarget.value);
            setEditing(false);
          }}
          onKeyDown={(event) => {
            event.stopPropagation();
            if (event.key === "Escape") event.currentTarget.blur();
          }}
        />
      ) : (
        <div className={classes.noteText}>{text || "Double-click to write a note"}</div>
      )}
    </div>
  );
});
