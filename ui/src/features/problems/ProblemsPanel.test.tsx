import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test } from "vitest";
import { setBackend } from "../../backend/backend";
import { memoryBackend, plainCheck } from "../../backend/memory";
import type { Problem } from "../../bindings/Problem";
import { newWorkflow } from "../../state/document";
import { useEditor } from "../../state/editor";
import { useFocus } from "../../state/focus";
import { renderWith } from "../../test-render";
import ProblemsPanel from "./ProblemsPanel";

const doc = { ...newWorkflow("Demo"), steps: [{ id: "gate", kind: "quality_gate", name: "Quality gate" }] };

function show(problems: Problem[]): void {
  const backend = memoryBackend();
  setBackend(backend);
  useEditor.getState().load({
    document: doc,
    path: null,
    revision: null,
    readOnly: null,
    check: { ...plainCheck(doc), problems },
    draft: null,
    trust: { trusted: true, effects: [] },
  });
  renderWith(backend, <ProblemsPanel />);
}

beforeEach(() => useFocus.setState({ request: null }));

test("a sound workflow says so", () => {
  show([]);
  expect(screen.getByText("No problems")).toBeDefined();
});

test("findings stand by their severity, with place and way out", () => {
  show([
    {
      code: "missing-field",
      severity: "error",
      place: { step: "gate", field: "with.rules" },
      message: "`rules` is needed",
      hint: "add a rule",
    },
    { code: "no-owner", severity: "warning", place: {}, message: "nobody answers for it" },
  ]);
  expect(screen.getByLabelText("1 error").textContent).toContain("rules is needed");
  expect(screen.getByLabelText("1 warning").textContent).toContain("Workflow");
  expect(screen.getByTestId("problem-missing-field").textContent).toContain("Add a rule");
  expect(screen.getByTestId("problem-missing-field").textContent).toContain("Quality gate");
});

test("pressing a finding leads to its field", async () => {
  const place = { step: "gate", field: "with.rules[2].column" };
  show([{ code: "unknown-column", severity: "error", place, message: "no such column" }]);
  await userEvent.click(screen.getByTestId("problem-unknown-column"));
  expect(useFocus.getState().request?.place).toEqual(place);
});
