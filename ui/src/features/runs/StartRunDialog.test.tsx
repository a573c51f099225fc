import { fireEvent, screen, waitFor } from "@testing-library/react";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { BackendError, setBackend } from "../../backend/backend";
import { memoryBackend, plainCheck } from "../../backend/memory";
import type { RunView } from "../../bindings/RunView";
import type { Workflow } from "../../bindings/Workflow";
import { useEditor } from "../../state/editor";
import { useRun } from "../../state/run";
import { useView } from "../../state/view";
import { renderWith } from "../../test-render";
import StartRunDialog from "./StartRunDialog";
import { startRun, useLaunch } from "./start-run";
import TrustDialog from "./TrustDialog";

const doc: Workflow = {
  format: 1,
  id: "churn",
  name: "Churn",
  triggers: [],
  notes: [],
  layout: {},
  edges: [],
  steps: [{ id: "load", kind: "read_table" }],
  input: {
    type: "object",
    required: ["who"],
    properties: {
      who: { type: "string", title: "Who" },
      threshold: { type: "number", default: 0.7, maximum: 1 },
      dry: { type: "boolean", title: "Dry" },
    },
  },
};

const run = {
  summary: { id: "r1", workflow: "churn" },
  document: doc,
  status: "running",
} as unknown as RunView;

function open(document: Workflow, problems: ReturnType<typeof plainCheck>["problems"] = []): void {
  useEditor.getState().load({
    document,
    path: "/flows/churn.baton.json",
    revision: "r",
    readOnly: null,
    draft: null,
    check: { ...plainCheck(document), problems },
    trust: { trusted: true, effects: [{ kind: "host", target: "example.org", step: "load" }] },
  });
}

beforeEach(() => {
  useRun.getState().closeRun();
  useView.getState().closeDialog();
  useLaunch.setState({ waiting: null });
});

describe("StartRunDialog", () => {
  it("asks for the input, checks it in place and starts the run", async () => {
    const backend = memoryBackend({ run_start: () => ({ run: "r1" }), run_get: () => run });
    open(doc);
    const onClose = vi.fn();
    renderWith(backend, <StartRunDialog opened onClose={onClose} />);
    fireEvent.click(await screen.findByTestId("start-run-submit"));
    expect(screen.getByTestId("start-run-dialog").textContent).toContain("This is needed");
    expect(backend.requests("run_start")).toEqual([]);
    fireEvent.change(screen.getByTestId("input-who"), { target: { value: "ada" } });
    fireEvent.click(screen.getByLabelText("Dry"));
    fireEvent.click(screen.getByTestId("start-run-submit"));
    await waitFor(() => expect(onClose).toHaveBeenCalled());
    expect(backend.requests("run_start")).toEqual([
      { document: doc, path: "/flows/churn.baton.json", input: { who: "ada", threshold: 0.7, dry: true } },
    ]);
    expect(useRun.getState().runId).toBe("r1");
  });

  it("does not start over a problem, and leads to it", async () => {
    const problem = {
      code: "required",
      severity: "error" as const,
      place: { step: "load", field: "with.path" },
      message: "`path` is needed",
    };
    open({ ...doc, input: {} }, [problem]);
    const onClose = vi.fn();
    renderWith(memoryBackend(), <StartRunDialog opened onClose={onClose} />);
    expect((await screen.findByTestId<HTMLButtonElement>("start-run-submit")).disabled).toBe(true);
    fireEvent.click(screen.getByText(/is needed/));
    expect(onClose).toHaveBeenCalled();
    expect(useEditor.getState().selection.steps).toEqual(["load"]);
  });
});

describe("startRun", () => {
  it("starts at once if nothing is asked", async () => {
    const backend = memoryBackend({ run_start: () => ({ run: "r1" }), run_get: () => run });
    setBackend(backend);
    const { input: _input, ...plain } = doc;
    open(plain);
    await startRun();
    expect(backend.requests("run_start")).toHaveLength(1);
    expect(useView.getState().dialog).toBeNull();
  });

  it("opens the dialog if something is asked", async () => {
    const backend = memoryBackend();
    setBackend(backend);
    open(doc);
    await startRun();
    expect(useView.getState().dialog).toBe("start-run");
    expect(backend.requests("run_start")).toEqual([]);
  });

  it("shows what an untrusted workflow could do, and runs it once it is trusted", async () => {
    let isTrusted = false;
    const backend = memoryBackend({
      run_start: () => {
        if (!isTrusted) throw new BackendError({ code: "untrusted", message: "nobody trusts this version" });
        return { run: "r1" };
      },
      workflow_trust: () => {
        isTrusted = true;
        return {};
      },
      run_get: () => run,
    });
    const { input: _input, ...plain } = doc;
    open(plain);
    renderWith(backend, <TrustDialog />);
    await startRun();
    await screen.findByText("example.org");
    expect(screen.getByTestId("trust-dialog").textContent).toContain("Talk to other machines");
    fireEvent.click(screen.getByTestId("trust-run"));
    await waitFor(() => expect(useRun.getState().runId).toBe("r1"));
    expect(backend.requests("workflow_trust")).toEqual([{ digest: "digest-of-churn" }]);
  });
});
