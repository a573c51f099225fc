import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import { setBackend } from "../../backend/backend";
import { memoryBackend, plainCheck } from "../../backend/memory";
import { newWorkflow } from "../../state/document";
import { useEditor } from "../../state/editor";
import { renderWith } from "../../test-render";
import OutlinePanel from "./OutlinePanel";

const doc = {
  ...newWorkflow("Demo"),
  steps: [
    { id: "end", kind: "end", name: "End" },
    { id: "load", kind: "read_table", name: "Load" },
    {
      id: "each",
      kind: "for_each",
      name: "Each",
      body: { steps: [{ id: "inner", kind: "task" }], edges: [] },
    },
  ],
  edges: [
    { from: "load", to: "each" },
    { from: "each", to: "end", on: "error" as const },
  ],
};

function show(): void {
  const backend = memoryBackend();
  setBackend(backend);
  useEditor.getState().load({
    document: doc,
    path: null,
    revision: null,
    readOnly: null,
    check: {
      ...plainCheck(doc),
      problems: [{ code: "x", severity: "error", place: { step: "inner" }, message: "something is missing" }],
    },
    draft: null,
    trust: { trusted: true, effects: [] },
  });
  renderWith(backend, <OutlinePanel />);
}

const names = () => screen.getAllByRole("treeitem").map((item) => item.getAttribute("data-row"));

test("lists every step in the order in which it can run, bodies inside", () => {
  show();
  expect(names()).toEqual(["load", "each", "inner", "end"]);
  expect(screen.getByRole("treeitem", { name: /^Each/ }).getAttribute("aria-expanded")).toBe("true");
  expect(
    screen.getByRole("treeitem", { name: /inner.*something is missing/ }).getAttribute("aria-level"),
  ).toBe("2");
  expect(screen.getByRole("treeitem", { name: /End.*after Each \(on error\)/ })).toBeDefined();
});

test("is walked by keys and selects on the canvas", async () => {
  show();
  await userEvent.click(screen.getByRole("treeitem", { name: /^Load/ }));
  await userEvent.keyboard("{ArrowDown}");
  expect(useEditor.getState().selection.steps).toEqual(["each"]);
  await userEvent.keyboard("{ArrowLeft}");
  expect(names()).toEqual(["load", "each", "end"]);
  await userEvent.keyboard("{ArrowRight}{End}");
  expect(useEditor.getState().selection.steps).toEqual(["end"]);
});
