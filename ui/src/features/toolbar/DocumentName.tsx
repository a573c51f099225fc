import { Text, Tooltip } from "@mantine/core";
import { useState } from "react";
import { useEditor } from "../../state/editor";
import classes from "./toolbar.module.css";

function stateText(dirty: boolean, journal: string, path: string | null, readOnly: boolean): string {
  if (readOnly) return "Read-only";
  if (journal === "failed") return "Edits are not kept";
  if (journal === "pending") return "Keeping edits…";
  if (path === null) return dirty ? "Draft, not saved to a file" : "Not saved to a file yet";
  return dirty ? "Edited, kept as draft" : "Saved";
}

/** Name of the document, and whether its edits are safe. The name is a field once it is pressed. */
export function DocumentName() {
  const name = useEditor((editor) => editor.doc?.name ?? "");
  const path = useEditor((editor) => editor.path);
  const dirty = useEditor((editor) => editor.dirty);
  const journal = useEditor((editor) => editor.journal);
  const readOnly = useEditor((editor) => editor.readOnly !== null);
  const [isEditing, setEditing] = useState(false);

  function finish(text: string | null): void {
    setEditing(false);
    const next = text?.trim() ?? "";
    if (next === "" || next === name) return;
    useEditor.getState().edit("Rename workflow", (draft) => {
      draft.name = next;
    });
  }

  const file = path?.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
  return (
    <div className={classes.document}>
      {isEditing ? (
        <input
          className={classes.nameField}
          aria-label="Name of the workflow"
          // biome-ignore lint/a11y/noAutofocus: the person asked for the field by pressing the name
          autoFocus
          defaultValue={name}
          onFocus={(event) => event.currentTarget.select()}
          onBlur={(event) => finish(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter") finish(event.currentTarget.value);
            if (event.key === "Escape") finish(null);
          }}
        />
      ) : (
        <Tooltip label={path ?? "Not saved to a file yet"} multiline maw={480}>
          <button type="button" className={classes.name} disabled={readOnly} onClick={() => setEditing(true)}>
            {dirty && <span className={classes.dot} role="img" aria-label="Unsaved edits" />}
            {name}
          </button>
        </Tooltip>
      )}
      <Text
        size="xs"
        c={journal === "failed" ? "red" : "dimmed"}
        className={classes.state}
        aria-live="polite"
      >
        {file && <span className={classes.file}>{file}</span>}
        {stateText(dirty, journal, path, readOnly)}
      </Text>
    </div>
  );
}
