import { beforeEach, expect, test } from "vitest";
import { setBackend } from "../backend/backend";
import { type MemoryBackend, memoryBackend, plainCheck } from "../backend/memory";
import { newWorkflow } from "./document";
import { useEditor } from "./editor";
import { rememberOpen, reopenLast } from "./reopen";

const doc = newWorkflow("Demo");
const draft = { key: "/flows/a.baton.json", document: { ...doc, name: "Edited" }, at: 1, base: "r1" };
let backend: MemoryBackend;

beforeEach(() => {
  sessionStorage.clear();
  useEditor.getState().close();
  backend = memoryBackend({
    workflow_open: ({ path }) => ({
      document: doc,
      path,
      revision: "r1",
      readOnly: null,
      check: plainCheck(doc),
      draft,
      trust: { trusted: true, effects: [] },
    }),
  });
  setBackend(backend);
});

test("a reload shows the file with the edits that were kept", async () => {
  sessionStorage.setItem("baton.open", draft.key);
  await reopenLast();
  expect(useEditor.getState().doc?.name).toBe("Edited");
  expect(useEditor.getState().recovered).toBeNull();
});

test("a reload shows a document that has no file yet", async () => {
  backend.given("draft_list", () => ({ drafts: [{ ...draft, key: "untitled:1" }] }));
  sessionStorage.setItem("baton.open", "untitled:1");
  await reopenLast();
  expect(useEditor.getState().doc?.name).toBe("Edited");
});

test("nothing is opened where nothing was open", async () => {
  await reopenLast();
  expect(useEditor.getState().doc).toBeNull();
  rememberOpen();
  useEditor.getState().loadNew(doc);
  expect(sessionStorage.getItem("baton.open")).toMatch(/^untitled:/);
  useEditor.getState().close();
  expect(sessionStorage.getItem("baton.open")).toBeNull();
});
