import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { BackendError, setBackend } from "../backend/backend";
import { type MemoryBackend, memoryBackend, plainCheck } from "../backend/memory";
import type { Workflow } from "../bindings/Workflow";
import type { WorkflowOpened } from "../bindings/WorkflowOpened";
import { newWorkflow } from "./document";
import { stampOf, useEditor } from "./editor";

const editor = () => useEditor.getState();

function document(): Workflow {
  return { ...newWorkflow("Demo"), steps: [{ id: "load", kind: "read_table", name: "Load" }] };
}

function opened(rest: Partial<WorkflowOpened> = {}): WorkflowOpened {
  const doc = document();
  return {
    document: doc,
    path: "/flows/demo.baton.json",
    revision: "r1",
    readOnly: null,
    check: plainCheck(doc),
    draft: null,
    trust: { trusted: true, effects: [] },
    ...rest,
  };
}

function rename(name: string, mergeKey?: string): void {
  editor().edit(
    "Rename",
    (draft) => {
      draft.name = name;
    },
    mergeKey === undefined ? {} : { mergeKey },
  );
}

let backend: MemoryBackend;

beforeEach(() => {
  vi.useFakeTimers();
  backend = memoryBackend();
  setBackend(backend);
  editor().load(opened());
});

afterEach(() => {
  editor().close();
  vi.useRealTimers();
});

describe("editing", () => {
  test("one gesture is one step of undo", () => {
    rename("A");
    rename("B");
    editor().undo();
    expect(editor().doc?.name).toBe("A");
    editor().undo();
    expect(editor().doc?.name).toBe("Demo");
    editor().redo();
    expect(editor().doc?.name).toBe("A");
  });

  test("typing is one step until it pauses", () => {
    rename("A", "name");
    rename("AB", "name");
    vi.advanceTimersByTime(5_000);
    rename("ABC", "name");
    expect(editor().past).toHaveLength(2);
    editor().undo();
    expect(editor().doc?.name).toBe("AB");
    editor().undo();
    expect(editor().doc?.name).toBe("Demo");
  });

  test("an edit after undo forgets what was undone", () => {
    rename("A");
    editor().undo();
    rename("B");
    editor().redo();
    expect(editor().doc?.name).toBe("B");
  });

  test("an edit that changes nothing is no edit", () => {
    rename("Demo");
    expect(editor().past).toHaveLength(0);
    expect(editor().dirty).toBe(false);
  });

  test("nothing changes in a read-only document", () => {
    editor().load(opened({ readOnly: "a newer format" }));
    rename("A");
    expect(editor().doc?.name).toBe("Demo");
  });

  test("a selection loses what is deleted", () => {
    editor().select({ steps: ["load"] });
    editor().edit("Delete", (draft) => {
      draft.steps = [];
    });
    expect(editor().selection.steps).toEqual([]);
  });
});

describe("keeping edits", () => {
  test("every edit reaches the journal, once per pause", async () => {
    rename("A");
    rename("B");
    expect(editor().journal).toBe("pending");
    expect(backend.requests("draft_put")).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(200);
    expect(backend.requests("draft_put")).toEqual([
      expect.objectContaining({ key: "/flows/demo.baton.json", base: "r1" }),
    ]);
    expect(backend.requests("draft_put")[0]?.document.name).toBe("B");
    expect(editor().journal).toBe("kept");
  });

  test("an edit made while the journal is written is written as well", async () => {
    backend.given("draft_put", () => new Promise((resolve) => setTimeout(() => resolve({}), 500)));
    rename("A");
    await vi.advanceTimersByTimeAsync(200);
    rename("B");
    await vi.advanceTimersByTimeAsync(300);
    expect(editor().journal).toBe("pending");
    await vi.advanceTimersByTimeAsync(1_500);
    expect(backend.requests("draft_put").at(-1)?.document.name).toBe("B");
    expect(editor().journal).toBe("kept");
  });

  test("a journal that cannot be written says so, and can be tried again", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    backend.given("draft_put", () => {
      throw new BackendError({ code: "store", message: "the disk is full" });
    });
    rename("A");
    await vi.advanceTimersByTimeAsync(200);
    expect(editor().journal).toBe("failed");
    backend.given("draft_put", () => ({}));
    await editor().flush();
    expect(editor().journal).toBe("kept");
  });

  test("undoing to what is in the file leaves no draft behind", async () => {
    rename("A");
    await vi.advanceTimersByTimeAsync(200);
    editor().undo();
    expect(editor().dirty).toBe(false);
    await vi.advanceTimersByTimeAsync(200);
    expect(backend.requests("draft_discard")).toEqual([{ key: "/flows/demo.baton.json" }]);
  });
});

describe("checking", () => {
  test("an answer that comes late does not replace a newer one", async () => {
    const answers: (() => void)[] = [];
    backend.given("workflow_check", ({ document: doc }) => {
      const check = { ...plainCheck(doc), digest: doc.name };
      return new Promise((resolve) => answers.push(() => resolve(check)));
    });
    rename("A");
    await vi.advanceTimersByTimeAsync(200);
    rename("B");
    await vi.advanceTimersByTimeAsync(200);
    answers[1]?.();
    answers[0]?.();
    await vi.advanceTimersByTimeAsync(0);
    expect(editor().check?.digest).toBe("B");
    expect(editor().isChecking).toBe(false);
  });

  test("a check that fails is told", async () => {
    backend.given("workflow_check", () => {
      throw new BackendError({ code: "internal", message: "it broke" });
    });
    await editor().checkNow();
    expect(editor().checkError?.message).toBe("it broke");
  });
});

describe("saving", () => {
  test("the saved edit is clean; undo and redo tell the difference", () => {
    rename("A");
    editor().markSaved({ path: "/flows/demo.baton.json", revision: "r2", digest: "d" }, stampOf(editor()));
    expect(editor().dirty).toBe(false);
    expect(editor().revision).toBe("r2");
    editor().undo();
    expect(editor().dirty).toBe(true);
    editor().redo();
    expect(editor().dirty).toBe(false);
  });

  test("edits made while it was saved stay dirty and are kept under the new name", async () => {
    rename("A");
    const stamp = stampOf(editor());
    rename("B");
    editor().markSaved({ path: "/flows/other.baton.json", revision: "r2", digest: "d" }, stamp);
    expect(editor().dirty).toBe(true);
    await vi.advanceTimersByTimeAsync(300);
    expect(backend.requests("draft_put").at(-1)).toMatchObject({
      key: "/flows/other.baton.json",
      base: "r2",
    });
  });
});
