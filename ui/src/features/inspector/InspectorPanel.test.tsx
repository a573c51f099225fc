import { act, fireEvent, screen, waitFor } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";
import { memoryBackend, plainCheck } from "../../backend/memory";
import type { KindInfo } from "../../bindings/KindInfo";
import type { Workflow } from "../../bindings/Workflow";
import { useEditor } from "../../state/editor";
import { focusField } from "../../state/focus";
import { useRun } from "../../state/run";
import { renderWith } from "../../test-render";
import InspectorPanel from "./InspectorPanel";

const doc: Workflow = {
  format: 1,
  id: "flow",
  name: "Flow",
  triggers: [],
  notes: [],
  layout: {},
  steps: [
    { id: "load", kind: "ask", with: { evidence: { rows: "{% input.rows %}" } } },
    { id: "save", kind: "ask" },
  ],
  edges: [{ from: "load", to: "save" }],
};

// As the catalog sends it: an empty `scope` is left out.
const kind = {
  kind: "ask",
  title: "Ask",
  summary: "Asks.",
  category: "people",
  icon: "stamp",
  ports: [],
  effect: "unsafe",
  isControl: false,
  isContainer: false,
  schema: {},
  output: [],
  form: {
    fields: [
      {
        name: "evidence",
        widget: "mapping",
        label: "Evidence",
        expression: true,
        required: false,
        secret: false,
      },
      { name: "note", widget: "text", label: "Note", expression: false, required: false, secret: false },
    ],
  },
} as unknown as KindInfo;

beforeEach(() => {
  useRun.getState().closeRun();
  useEditor.getState().load({
    document: doc,
    path: null,
    revision: null,
    readOnly: null,
    draft: null,
    check: plainCheck(doc),
    trust: { trusted: true, effects: [] },
  });
});

const backend = () => memoryBackend({ catalog_list: () => ({ kinds: [kind] }) });

describe("InspectorPanel", () => {
  it("shows the workflow, a step or an edge, whatever is selected", async () => {
    renderWith(backend(), <InspectorPanel />);
    expect(screen.getByLabelText("Name of the workflow")).toBeDefined();
    act(() => useEditor.getState().select({ steps: ["load"] }));
    expect(await screen.findByTestId("field-evidence")).toBeDefined();
    expect(screen.getByTestId("inspector-effect").textContent).toBe("Safe to repeat");
    act(() => useEditor.getState().select({ edges: ["load->save"] }));
    expect(screen.getByText("Taken when the step")).toBeDefined();
    fireEvent.click(screen.getByLabelText("fails"));
    expect(useEditor.getState().doc?.edges).toEqual([{ from: "load", to: "save", on: "error" }]);
    expect(useEditor.getState().selection.edges).toEqual(["load->save!error"]);
  });

  it("writes settings into the document, as one step of undo while the focus stays", async () => {
    renderWith(backend(), <InspectorPanel />);
    act(() => useEditor.getState().select({ steps: ["save"] }));
    const note = (await screen.findByTestId("field-note")).querySelector("input") as HTMLInputElement;
    fireEvent.focus(note);
    for (const text of ["a", "ab", "abc"]) {
      fireEvent.change(note, { target: { value: text } });
    }
    expect(useEditor.getState().doc?.steps[1]?.with).toEqual({ note: "abc" });
    act(() => useEditor.getState().undo());
    expect(useEditor.getState().doc).toEqual(doc);
  });

  it("renames a step everywhere", async () => {
    renderWith(backend(), <InspectorPanel />);
    act(() => useEditor.getState().select({ steps: ["load"] }));
    fireEvent.click(await screen.findByTestId("inspector-id"));
    const id = screen.getByLabelText("Id of the step");
    fireEvent.change(id, { target: { value: "read" } });
    fireEvent.keyDown(id, { key: "Enter" });
    expect(useEditor.getState().doc?.edges).toEqual([{ from: "read", to: "save" }]);
    expect(useEditor.getState().selection.steps).toEqual(["read"]);
  });

  it("focuses the field that somebody asks for, also inside a closed section", async () => {
    renderWith(backend(), <InspectorPanel />);
    act(() => useEditor.getState().select({ steps: ["save"] }));
    await screen.findByTestId("field-note");
    act(() => focusField({ step: "save", field: "retry.attempts" }));
    const attempts = await screen.findByTestId("field-attempts");
    await waitFor(() => expect(attempts.contains(document.activeElement)).toBe(true));
  });
});
