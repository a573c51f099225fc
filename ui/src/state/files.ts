import { type BackendError, toBackendError } from "../backend/backend";
import { call } from "../backend/call";
import type { Draft } from "../bindings/Draft";
import { ask } from "./ask";
import { newWorkflow, normalize } from "./document";
import { stampOf, useEditor } from "./editor";
import { pickOpen, pickSave } from "./picker";
import { whyNot } from "./rights";
import { useRun } from "./run";
import { tell, tellError } from "./tell";
import { useView } from "./view";

// Opening and saving. What these do is what the buttons, keys and the command palette do.

export const WORKFLOW_ENDING = ".baton.json";

function showEditor(): void {
  useRun.getState().closeRun();
  useView.getState().setPage("editor");
}

/**
 * Asks what to do with unsaved edits before the document goes away. `false`: stay.
 *
 * Edits are in the journal at any rate; "don't save" forgets them knowingly.
 */
export async function mayLeave(): Promise<boolean> {
  const { doc, dirty } = useEditor.getState();
  if (!doc || !dirty) return true;
  const answer = await ask({
    title: `Save changes to “${doc.name}”?`,
    text: "The workflow has edits that are not in its file yet.",
    answers: [
      { value: "save", label: "Save", look: "primary" },
      { value: "keep", label: "Keep as draft" },
      { value: "discard", label: "Don’t save", look: "danger" },
    ],
  });
  switch (answer) {
    case "save":
      return await save();
    case "keep":
      await useEditor.getState().flush();
      return true;
    case "discard": {
      // The journal may still be writing; what it wrote is forgotten after that.
      await useEditor.getState().flush();
      await call("draft_discard", { key: useEditor.getState().draftKey });
      return true;
    }
    default:
      return false;
  }
}

/** Opens a file, after asking about unsaved edits. */
export async function openPath(path: string): Promise<void> {
  if (!(await mayLeave())) return;
  try {
    const opened = await call("workflow_open", { path });
    useEditor.getState().load(opened);
    showEditor();
  } catch (thrown) {
    tellError("This file cannot be opened", thrown);
  }
}

export async function openWithDialog(): Promise<void> {
  const start = useEditor.getState().path;
  const path = await pickOpen({
    title: "Open a workflow",
    endings: [WORKFLOW_ENDING, ".json"],
    ...(start ? { start } : {}),
  });
  if (path !== null) await openPath(path);
}

export async function createWorkflow(): Promise<void> {
  const reason = whyNot("draft_put");
  if (reason !== null) return tell(reason);
  if (!(await mayLeave())) return;
  useEditor.getState().loadNew(newWorkflow());
  showEditor();
}

/** Shows the edits of an earlier session as they were. */
export async function openDraft(draft: Draft): Promise<void> {
  if (!(await mayLeave())) return;
  if (draft.key.startsWith("untitled:")) {
    useEditor.getState().loadNew(draft.document, draft);
    showEditor();
    return;
  }
  try {
    useEditor.getState().load(await call("workflow_open", { path: draft.key }));
    showEditor();
    if (useEditor.getState().recovered) keepRecovered();
  } catch (thrown) {
    // The file is gone; its edits are not.
    console.info("the file of a draft cannot be opened", thrown);
    useEditor.getState().loadNew(draft.document);
    useEditor.getState().edit("Recover edits", () => undefined);
    showEditor();
  }
}

/** Takes over the edits that were recovered, as one step of undo. */
export function keepRecovered(): void {
  const { recovered, edit, setRecovered } = useEditor.getState();
  if (!recovered) return;
  const document = normalize(recovered.document);
  edit("Recover edits", (draft) => {
    for (const key of Object.keys(draft)) {
      if (!(key in document)) delete (draft as Record<string, unknown>)[key];
    }
    Object.assign(draft, structuredClone(document));
  });
  setRecovered(null);
}

export async function discardRecovered(): Promise<void> {
  const { recovered, setRecovered } = useEditor.getState();
  if (!recovered) return;
  try {
    await call("draft_discard", { key: recovered.key });
    setRecovered(null);
  } catch (thrown) {
    tellError("The recovered edits are still there", thrown);
  }
}

function suggestedName(): string {
  return `${useEditor.getState().doc?.id ?? "workflow"}${WORKFLOW_ENDING}`;
}

async function saveTo(path: string, options: { force: boolean; base: string | null }): Promise<boolean> {
  const { doc, draftKey } = useEditor.getState();
  if (!doc) return false;
  const stamp = stampOf(useEditor.getState());
  try {
    await useEditor.getState().flush();
    const saved = await call("workflow_save", {
      document: doc,
      path,
      base: options.base,
      force: options.force,
      draftKey,
    });
    useEditor.getState().markSaved(saved, stamp);
    useEditor.setState((state) => ({
      readOnly: null,
      check: state.check && { ...state.check, digest: saved.digest },
    }));
    return true;
  } catch (thrown) {
    const error = toBackendError(thrown);
    if (error.code === "conflict") return await resolveConflict(path, error);
    tellError("The workflow is not saved", error);
    return false;
  }
}

async function resolveConflict(path: string, error: BackendError): Promise<boolean> {
  const answer = await ask({
    title: "The file was changed by someone else",
    text: "Since you opened it, another program has written this file.",
    details: [error.message],
    answers: [
      { value: "as", label: "Save as…", look: "primary" },
      { value: "reload", label: "Reload theirs" },
      { value: "overwrite", label: "Overwrite with mine", look: "danger" },
    ],
  });
  if (answer === "as") return await saveAs();
  if (answer === "overwrite") return await saveTo(path, { force: true, base: null });
  if (answer === "reload") await reload();
  return false;
}

/** Reads the file again. Edits that were not saved are offered as recovered ones. */
export async function reload(): Promise<void> {
  const { path } = useEditor.getState();
  if (path === null) return;
  try {
    await useEditor.getState().flush();
    useEditor.getState().load(await call("workflow_open", { path }));
  } catch (thrown) {
    tellError("The file cannot be read again", thrown);
  }
}

/** Saves to the file of the document, or asks for one. `true` if it is saved. */
export async function save(): Promise<boolean> {
  const { doc, path, revision, readOnly } = useEditor.getState();
  if (!doc) return false;
  if (path === null || readOnly !== null) return await saveAs();
  const isSaved = await saveTo(path, { force: false, base: revision });
  if (isSaved) tell("Saved");
  return isSaved;
}

export async function saveAs(): Promise<boolean> {
  const { path } = useEditor.getState();
  const chosen = await pickSave({
    title: "Save the workflow as",
    endings: [WORKFLOW_ENDING],
    suggested: suggestedName(),
    ...(path ? { start: path } : {}),
  });
  if (chosen === null) return false;
  const target = chosen.endsWith(".json") ? chosen : `${chosen}${WORKFLOW_ENDING}`;
  // The dialog has asked before it gave the name of an existing file.
  const isSaved = await saveTo(target, { force: true, base: null });
  if (isSaved) tell("Saved");
  return isSaved;
}

/** Back to the start page. */
export async function goToStart(): Promise<void> {
  if (!(await mayLeave())) return;
  useRun.getState().closeRun();
  useEditor.getState().close();
  useView.getState().setPage("start");
}

/** Saves a picture of the document. */
export async function saveImage(): Promise<void> {
  const { doc } = useEditor.getState();
  if (!doc) return;
  try {
    const picture = await call("workflow_svg", { document: doc });
    const path = await pickSave({ title: "Save the picture as", endings: [".svg"], suggested: picture.name });
    if (path === null) return;
    await call("text_save", { path, text: picture.text });
    tell("Picture saved");
  } catch (thrown) {
    tellError("The picture is not saved", thrown);
  }
}
