/** A note on the canvas. */
import { Textarea } from "@mantine/core";
import { StickyNote } from "lucide-react";
import type { Note } from "../../bindings/Note";
import { useEditor } from "../../state/editor";
import classes from "./inspector.module.css";

export default function NoteInspector({ note, isReadOnly }: { note: Note; isReadOnly: boolean }) {
  const edit = useEditor((editor) => editor.edit);
  return (
    <>
      <header className={classes.head}>
        <span className={classes.icon}>
          <StickyNote size={18} />
        </span>
        <div className={classes.headText}>
          <div className={classes.arrow}>Note</div>
          <div className={classes.meta}>
            <code className={classes.id}>{note.id}</code>
          </div>
        </div>
      </header>
      <div className={classes.body}>
        <Textarea
          label="Text"
          autosize
          minRows={4}
          maxRows={24}
          readOnly={isReadOnly}
          value={note.text.join("\n")}
          onChange={(event) => {
            const text = event.currentTarget.value.split("\n");
            edit(
              "write note",
              (draft) => {
                const found = draft.notes.find((one) => one.id === note.id);
                if (found) {
                  found.text = text;
                }
              },
              { mergeKey: `note.${note.id}` },
            );
          }}
        />
      </div>
    </>
  );
}
