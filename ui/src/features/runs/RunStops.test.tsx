import { fireEvent, screen, waitFor } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";
import { type MemoryBackend, memoryBackend } from "../../backend/memory";
import type { RunView } from "../../bindings/RunView";
import { useRun } from "../../state/run";
import { renderWith } from "../../test-render";
import RunStops from "./RunStops";

const view: RunView = {
  summary: {
    id: "r1",
    number: 7,
    workflow: "w",
    workflowName: "W",
    digest: "d",
    status: "paused",
    startedAt: 1_000,
    seq: 12,
    stepsDone: 1,
    stepsTotal: 3,
    waitingFor: [],
  },
  document: { format: 1, id: "w", name: "W", triggers: [], notes: [], layout: {}, steps: [], edges: [] },
  seq: 12,
  at: 5_000,
  status: "paused",
  input: {},
  outputs: null,
  steps: {},
  edges: {},
};

let backend: MemoryBackend;

beforeEach(() => {
  backend = memoryBackend({ run_raise: () => ({}), run_release: () => ({}) });
  useRun.setState({ runId: null, view: null });
});

describe("why a run stands still", () => {
  it("says which budget is used up, and goes on with more", async () => {
    renderWith(
      backend,
      <RunStops view={{ ...view, exceeded: { budget: "steps", limit: 100, used: 100, step: "b" } }} />,
    );
    expect(screen.getByTestId("run-stop").textContent).toContain(
      "It has started 100 steps, and 100 steps are allowed.",
    );
    const limit = screen.getByTestId("raise-limit");
    expect((limit as HTMLInputElement).value).toBe("200 steps");
    fireEvent.change(limit, { target: { value: "90" } });
    expect(screen.getByTestId("raise-and-go-on").hasAttribute("disabled")).toBe(true);
    fireEvent.change(limit, { target: { value: "250" } });
    fireEvent.submit(screen.getByTestId("raise-and-go-on").closest("form") as HTMLFormElement);
    await waitFor(() =>
      expect(backend.requests("run_raise")).toEqual([{ run: "r1", budget: "steps", limit: 250 }]),
    );
  });

  it("allows data in megabytes and sends bytes", async () => {
    renderWith(
      backend,
      <RunStops view={{ ...view, exceeded: { budget: "memory", limit: 128e6, used: 130e6 } }} />,
    );
    fireEvent.click(screen.getByTestId("raise-and-go-on"));
    await waitFor(() =>
      expect(backend.requests("run_raise")).toEqual([{ run: "r1", budget: "memory", limit: 260e6 }]),
    );
  });

  it("lets a run go on that was set aside", async () => {
    renderWith(
      backend,
      <RunStops
        view={{ ...view, summary: { ...view.summary, quarantined: "Baton ended while it took the run up" } }}
      />,
    );
    fireEvent.click(screen.getByTestId("run-release"));
    await waitFor(() => expect(backend.requests("run_release")).toEqual([{ run: "r1" }]));
  });

  it("says that it waits for room on the disk, and nothing about a run that goes on or is over", () => {
    const waits = ["room on the disk of the data folder: free some, and it goes on by itself"];
    const { unmount } = renderWith(
      backend,
      <RunStops view={{ ...view, summary: { ...view.summary, waitingFor: waits } }} />,
    );
    expect(screen.getByTestId("run-stop").textContent).toContain("The disk is nearly full");
    unmount();
    renderWith(backend, <RunStops view={view} />);
    expect(screen.queryByTestId("run-stop")).toBeNull();
  });
});
