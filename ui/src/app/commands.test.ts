import { beforeEach, describe, expect, test } from "vitest";
import { setBackend } from "../backend/backend";
import { memoryBackend, plainCheck } from "../backend/memory";
import { useCanvas } from "../features/canvas/canvas-store";
import { newWorkflow } from "../state/document";
import { useEditor } from "../state/editor";
import { useRun } from "../state/run";
import { useView } from "../state/view";
import { commands, findCommand, isEnabled, runCommand } from "./commands";

const doc = {
  ...newWorkflow("Demo"),
  steps: [
    { id: "a", kind: "task" },
    { id: "b", kind: "task" },
  ],
  edges: [{ from: "a", to: "b" }],
};

beforeEach(() => {
  setBackend(memoryBackend());
  useRun.getState().closeRun();
  useView.setState({ bottom: null, dialog: null });
  useCanvas.setState({ api: null });
  useEditor.getState().load({
    document: doc,
    path: "/flows/demo.baton.json",
    revision: "r1",
    readOnly: null,
    check: plainCheck(doc),
    draft: null,
    trust: { trusted: true, effects: [] },
  });
});

describe("the list of commands", () => {
  test("names each command once", () => {
    const ids = commands.map((command) => command.id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("gives no key to two commands", () => {
    const keys = commands.flatMap((command) => command.keys ?? []);
    const twice = keys.filter((key, index) => keys.indexOf(key) !== index);
    expect(twice).toEqual([]);
  });

  test("has words for people", () => {
    for (const command of commands) expect(command.title).toMatch(/^[A-Z]/);
  });
});

describe("a command", () => {
  test("of the canvas needs a canvas", () => {
    expect(isEnabled(findCommand("fit"))).toBe(false);
  });

  test("that edits is refused while a run is shown", () => {
    useEditor.getState().edit("Rename", (draft) => {
      draft.name = "Other";
    });
    expect(isEnabled(findCommand("undo"))).toBe(true);
    useRun.setState({ runId: "r1" });
    expect(isEnabled(findCommand("undo"))).toBe(false);
    expect(isEnabled(findCommand("save"))).toBe(false);
  });

  test("does nothing while it is disabled", () => {
    runCommand("undo");
    expect(useEditor.getState().doc?.name).toBe("Demo");
  });

  test("that does not exist is a mistake in the program", () => {
    expect(() => findCommand("nothing")).toThrow("no command");
  });

  test("shows a panel, and hides it again", () => {
    runCommand("panel-problems");
    expect(useView.getState().bottom).toBe("problems");
    runCommand("panel-problems");
    expect(useView.getState().bottom).toBeNull();
  });
});
