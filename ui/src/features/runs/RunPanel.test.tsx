import { act, fireEvent, screen, waitFor, within } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";
import { setBackend } from "../../backend/backend";
import { memoryBackend, plainCheck } from "../../backend/memory";
import type { RunView } from "../../bindings/RunView";
import type { StepView } from "../../bindings/StepView";
import type { Workflow } from "../../bindings/Workflow";
import { AskDialog } from "../../components/AskDialog";
import { useEditor } from "../../state/editor";
import { useRun } from "../../state/run";
import { renderWith } from "../../test-render";
import RunPanel from "./RunPanel";
import { useRunSelection } from "./selection";

const doc: Workflow = {
  format: 1,
  id: "churn",
  name: "Churn",
  triggers: [],
  notes: [],
  layout: {},
  steps: [
    { id: "load", kind: "read_table", name: "Load" },
    { id: "each", kind: "for_each", body: { steps: [{ id: "score", kind: "x" }], edges: [] } },
    { id: "ask", kind: "approval" },
  ],
  edges: [
    { from: "load", to: "each" },
    { from: "each", to: "ask" },
  ],
};

const step = (status: StepView["status"], more: Partial<StepView> = {}): StepView => ({
  status,
  attempt: 1,
  attempts: 1,
  startedAt: 1_000,
  endedAt: 3_000,
  with: {},
  output: null,
  ...more,
});

const view: RunView = {
  summary: {
    id: "r1",
    number: 41,
    workflow: "churn",
    workflowName: "Churn",
    digest: "d",
    status: "waiting",
    startedAt: 1_000,
    seq: 12,
    stepsDone: 1,
    stepsTotal: 3,
    waitingFor: ["an approval"],
  },
  document: doc,
  seq: 12,
  at: 5_000,
  status: "waiting",
  input: { a: 1 },
  outputs: null,
  steps: {
    load: step("succeeded", {
      output: "forty-two",
      because: [{ expression: "input.a > 0", read: { "input.a": 1 }, result: true }],
    }),
    each: step("failed", { iterations: { total: 120, started: 9, succeeded: 7, failed: [3, 6] } }),
    "each[3]/score": step("failed", {
      attempt: 3,
      attempts: 3,
      error: { code: "http-status", message: "answered `503`", hint: "wait longer", permanent: false },
    }),
    "each[6]/score": step("retrying", { attempt: 2, attempts: 5, until: Date.now() + 60_000 }),
    ask: step("waiting", {
      question: {
        kind: "approval",
        title: "Ask",
        text: "Publish?",
        to: ["ada"],
        evidenceDigest: "e1",
        quorum: 1,
      },
    }),
  },
  edges: { "load->each": { taken: true, because: { expression: "steps.load.ok", read: {}, result: true } } },
};

const listed = {
  events: [{ seq: 1, at: 1_000, text: "run started", event: { type: "RunPaused" as const, by: "ada" } }],
  last: 1,
};

async function show(more: Parameters<typeof memoryBackend>[0] = {}) {
  const backend = memoryBackend({
    run_get: ({ seq }) => (seq === undefined ? view : { ...view, seq, at: seq * 100 }),
    run_events: () => listed,
    run_pause: () => ({}),
    run_cancel: () => ({}),
    run_retry_now: () => ({}),
    approval_decide: () => ({}),
    ...more,
  });
  setBackend(backend);
  useEditor.getState().load({
    document: doc,
    path: null,
    revision: null,
    readOnly: null,
    draft: null,
    check: plainCheck(doc),
    trust: { trusted: true, effects: [] },
  });
  await useRun.getState().openRun("r1");
  renderWith(
    backend,
    <>
      <RunPanel />
      <AskDialog />
    </>,
  );
  return backend;
}

const slider = () => within(screen.getByTestId("run-slider")).getByRole("slider");

beforeEach(() => {
  useRun.getState().closeRun();
  useRunSelection.setState({ path: null, bodies: {}, tab: null });
});

describe("RunPanel", () => {
  it("offers to start a run when none is open", () => {
    renderWith(memoryBackend(), <RunPanel />);
    expect(screen.getByText("No run is open")).toBeDefined();
  });

  it("leads to the question that the run waits for", async () => {
    await show();
    expect(screen.queryByTestId("approve-ask")).toBeNull();
    fireEvent.click(screen.getByTestId("run-answer"));
    expect(await screen.findByTestId("approve-ask")).toBeDefined();
  });

  it("says number, state and what it waits for", async () => {
    await show();
    expect(screen.getByTestId("run-panel").textContent).toContain("Run 41");
    expect(screen.getByTestId("run-status").textContent).toBe("Waiting");
    expect(screen.getByTestId("run-panel").textContent).toContain("an approval");
  });

  it("moves the picture to any event, by key and by button, and back to live", async () => {
    const backend = await show();
    fireEvent.keyDown(slider(), { key: "ArrowLeft" });
    expect(useRun.getState().atSeq).toBe(11);
    await waitFor(() => expect(backend.requests("run_get").at(-1)).toEqual({ run: "r1", seq: 11 }));
    fireEvent.click(screen.getByTestId("run-step-back"));
    expect(useRun.getState().atSeq).toBe(10);
    fireEvent.click(screen.getByTestId("run-step-forward"));
    expect(useRun.getState().atSeq).toBe(11);
    fireEvent.keyDown(slider(), { key: "Home" });
    expect(useRun.getState().atSeq).toBe(1);
    expect(screen.getByTestId<HTMLButtonElement>("run-step-back").disabled).toBe(true);
    fireEvent.click(screen.getByTestId("run-live"));
    expect(useRun.getState().atSeq).toBeNull();
  });

  it("selects on the canvas what is clicked in the list, and the other way round", async () => {
    await show();
    fireEvent.click(screen.getByTestId("run-step-load"));
    expect(useEditor.getState().selection.steps).toEqual(["load"]);
    await screen.findByText("forty-two");
    act(() => useEditor.getState().select({ steps: ["ask"] }));
    expect(screen.getByTestId("run-step-ask").getAttribute("aria-current")).toBe("true");
  });

  it("says why, with the values that were read", async () => {
    await show();
    fireEvent.click(screen.getByTestId("run-step-load"));
    fireEvent.click(screen.getByTestId("tab-why"));
    expect(await screen.findByText("input.a > 0")).toBeDefined();
    expect(screen.getByText("What followed")).toBeDefined();
    expect(screen.getByText("steps.load.ok")).toBeDefined();
  });

  it("shows the item of a loop that failed, and leads to the next one", async () => {
    await show();
    fireEvent.click(screen.getByTestId("run-step-each[3]/score"));
    expect(screen.getByText("wait longer", { exact: false })).toBeDefined();
    fireEvent.click(screen.getByText("2 failed"));
    expect(screen.getByTestId("run-step-each[6]/score")).toBeDefined();
    expect(screen.queryByTestId("run-step-each[3]/score")).toBeNull();
  });

  it("counts down to the next attempt, and can hurry it", async () => {
    const backend = await show();
    fireEvent.click(screen.getByText("2 failed"));
    fireEvent.click(screen.getByTestId("run-step-each[6]/score"));
    expect(screen.getByTestId("run-panel").textContent).toMatch(/attempt 2 of 5, next in \d+ s/);
    fireEvent.click(screen.getByTestId("retry-now-each[6]/score"));
    await waitFor(() =>
      expect(backend.requests("run_retry_now")).toEqual([{ run: "r1", step: "each[6]/score" }]),
    );
  });

  it("takes an answer right there", async () => {
    const backend = await show();
    fireEvent.click(screen.getByTestId("run-step-ask"));
    fireEvent.click(await screen.findByTestId("approve-ask"));
    await waitFor(() =>
      expect(backend.requests("approval_decide")).toEqual([
        { run: "r1", step: "ask", decision: "approved", data: null, evidenceDigest: "e1" },
      ]),
    );
  });

  it("asks before it stops a run, with or without undoing", async () => {
    const backend = await show();
    fireEvent.click(screen.getByTestId("run-cancel"));
    fireEvent.click(await screen.findByTestId("run-cancel-undo"));
    expect(backend.requests("run_cancel")).toEqual([]);
    fireEvent.click(await screen.findByText("Stop and undo"));
    await waitFor(() => expect(backend.requests("run_cancel")).toEqual([{ run: "r1", undo: true }]));
  });
});
