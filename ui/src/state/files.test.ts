import { beforeEach, describe, expect, test, vi } from "vitest";
import { BackendError, setBackend } from "../backend/backend";
import { type MemoryBackend, memoryBackend, plainCheck } from "../backend/memory";
import type { WorkflowOpened } from "../bindings/WorkflowOpened";
import { useAsk } from "./ask";
import { newWorkflow } from "./document";
import { useEditor } from "./editor";
import {
  createWorkflow,
  discardRecovered,
  keepRecovered,
  mayLeave,
  openDraft,
  openPath,
  save,
} from "./files";
import { usePicker } from "./picker";
import { useView } from "./view";

const editor = () => useEditor.getState();
const doc = () => newWorkflow("Demo");

function opened(rest: Partial<WorkflowOpened> = {}): WorkflowOpened {
  return {
    document: doc(),
    path: "/flows/demo.baton.json",
    revision: "r1",
    readOnly: null,
    check: plainCheck(doc()),
    draft: null,
    trust: { trusted: true, effects: [] },
    ...rest,
  };
}

function rename(name: string): void {
  editor().edit("Rename", (draft) => {
    draft.name = name;
  });
}

/** Answers the next question. */
async function answer(value: string | null): Promise<void> {
  await vi.waitFor(() => expect(useAsk.getState().question).not.toBeNull());
  useAsk.getState().question?.resolve(value);
}

let backend: MemoryBackend;

beforeEach(async () => {
  backend = memoryBackend().given("workflow_open", () => opened());
  setBackend(backend);
  editor().close();
  useView.setState({ page: "start" });
});

describe("opening", () => {
  test("shows the document", async () => {
    await openPath("/flows/demo.baton.json");
    expect(editor().doc?.name).toBe("Demo");
    expect(useView.getState().page).toBe("editor");
  });

  test("stays where it is when the file cannot be opened", async () => {
    backend.given("workflow_open", () => {
      throw new BackendError({ code: "unusable", message: "this is no workflow" });
    });
    await openPath("/flows/picture.png");
    expect(editor().doc).toBeNull();
    expect(useView.getState().page).toBe("start");
  });

  test("asks before unsaved edits go away", async () => {
    await openPath("/flows/demo.baton.json");
    rename("Edited");
    const leaving = openPath("/flows/other.baton.json");
    await answer(null);
    await leaving;
    expect(editor().doc?.name).toBe("Edited");
  });
});

describe("leaving", () => {
  test("needs no question without edits", async () => {
    await openPath("/flows/demo.baton.json");
    expect(await mayLeave()).toBe(true);
  });

  test("can save, keep the draft or forget it", async () => {
    await openPath("/flows/demo.baton.json");
    rename("Edited");
    const keeping = mayLeave();
    await answer("keep");
    expect(await keeping).toBe(true);
    expect(backend.requests("draft_put")).toHaveLength(1);

    const discarding = mayLeave();
    await answer("discard");
    expect(await discarding).toBe(true);
    expect(backend.requests("draft_discard")).toHaveLength(1);

    const saving = mayLeave();
    await answer("save");
    expect(await saving).toBe(true);
    expect(backend.requests("workflow_save")).toHaveLength(1);
  });
});

describe("saving", () => {
  test("goes to the file it was read from, from the revision it was read at", async () => {
    await openPath("/flows/demo.baton.json");
    rename("Edited");
    expect(await save()).toBe(true);
    expect(backend.requests("workflow_save")[0]).toMatchObject({
      path: "/flows/demo.baton.json",
      base: "r1",
      force: false,
      draftKey: "/flows/demo.baton.json",
    });
    expect(editor().dirty).toBe(false);
  });

  test("asks for a name the first time, and gives it the ending", async () => {
    await createWorkflow();
    const saving = save();
    await vi.waitFor(() => expect(usePicker.getState().request).not.toBeNull());
    usePicker.getState().request?.resolve("/flows/new");
    expect(await saving).toBe(true);
    expect(editor().path).toBe("/flows/new.baton.json");
  });

  test("a file that changed meanwhile is not overwritten without asking", async () => {
    await openPath("/flows/demo.baton.json");
    rename("Mine");
    backend.given("workflow_save", ({ force, path }) => {
      if (!force) throw new BackendError({ code: "conflict", message: "the file was changed" });
      return { path, revision: "r3", digest: "d" };
    });
    const refused = save();
    await answer(null);
    expect(await refused).toBe(false);
    expect(editor().dirty).toBe(true);

    const forced = save();
    await answer("overwrite");
    expect(await forced).toBe(true);
    expect(backend.requests("workflow_save").at(-1)).toMatchObject({ force: true, base: null });
    expect(editor().revision).toBe("r3");
  });

  test("a failure leaves the edits as they are", async () => {
    await openPath("/flows/demo.baton.json");
    rename("Mine");
    backend.given("workflow_save", () => {
      throw new BackendError({ code: "io", message: "the disk is full" });
    });
    expect(await save()).toBe(false);
    expect(editor().dirty).toBe(true);
    expect(editor().doc?.name).toBe("Mine");
  });
});

describe("recovered edits", () => {
  const draft = {
    key: "/flows/demo.baton.json",
    document: { ...doc(), name: "Recovered" },
    at: 1,
    base: "r1",
  };

  test("are taken over as one step of undo", async () => {
    backend.given("workflow_open", () => opened({ draft }));
    await openPath("/flows/demo.baton.json");
    expect(editor().doc?.name).toBe("Demo");
    keepRecovered();
    expect(editor().doc?.name).toBe("Recovered");
    expect(editor().dirty).toBe(true);
    editor().undo();
    expect(editor().doc?.name).toBe("Demo");
  });

  test("are forgotten on request", async () => {
    backend.given("workflow_open", () => opened({ draft }));
    await openPath("/flows/demo.baton.json");
    await discardRecovered();
    expect(editor().recovered).toBeNull();
    expect(backend.requests("draft_discard")).toEqual([{ key: draft.key }]);
  });

  test("of a document without a file open as they were", async () => {
    await openDraft({ ...draft, key: "untitled:7", base: null });
    expect(editor().doc?.name).toBe("Recovered");
    expect(editor().draftKey).toBe("untitled:7");
    expect(editor().dirty).toBe(true);
  });

  test("survive the loss of their file", async () => {
    vi.spyOn(console, "info").mockImplementation(() => undefined);
    backend.given("workflow_open", () => {
      throw new BackendError({ code: "not-found", message: "no such file" });
    });
    await openDraft(draft);
    expect(editor().doc?.name).toBe("Recovered");
  });
});
