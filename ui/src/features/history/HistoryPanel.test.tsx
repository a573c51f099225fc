import { fireEvent, screen, waitFor } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";
import { memoryBackend } from "../../backend/memory";
import type { RunSummary } from "../../bindings/RunSummary";
import { useEditor } from "../../state/editor";
import { useRun } from "../../state/run";
import { renderWith } from "../../test-render";
import HistoryPanel from "./HistoryPanel";

const run = (number: number, more: Partial<RunSummary> = {}): RunSummary => ({
  id: `r${number}`,
  number,
  workflow: "churn",
  workflowName: "Churn",
  digest: "d",
  status: "succeeded",
  startedAt: Date.now() - 120_000,
  endedAt: Date.now() - 100_000,
  seq: 9,
  stepsDone: 2,
  stepsTotal: 2,
  waitingFor: [],
  ...more,
});

beforeEach(() => {
  useEditor.getState().close();
  useRun.getState().closeRun();
});

describe("HistoryPanel", () => {
  it("lists runs with state, outcome and time, and opens one", async () => {
    const failed = run(42, {
      status: "failed",
      error: { code: "x", message: "the file is gone", permanent: true },
    });
    renderWith(
      memoryBackend({ run_list: () => ({ runs: [failed, run(41, { outcome: "published" })], total: 2 }) }),
      <HistoryPanel />,
    );
    const line = await screen.findByTestId("history-run-42");
    expect(line.textContent).toContain("Failed");
    expect(line.textContent).toContain("The file is gone");
    expect(line.textContent).toContain("2 minutes ago");
    expect(screen.getByTestId("history-run-41").textContent).toContain("published");
    fireEvent.click(line);
    expect(useRun.getState().runId).toBe("r42");
  });

  it("searches and turns pages in the backend", async () => {
    const backend = memoryBackend({ run_list: () => ({ runs: [run(1)], total: 120 }) });
    renderWith(backend, <HistoryPanel />);
    await screen.findByTestId("history-run-1");
    fireEvent.click(screen.getByLabelText("Older runs"));
    await waitFor(() => expect(backend.requests("run_list").at(-1)).toEqual({ limit: 50, offset: 50 }));
    fireEvent.change(screen.getByLabelText("Search runs"), { target: { value: "pub" } });
    await waitFor(() =>
      expect(backend.requests("run_list").at(-1)).toEqual({ limit: 50, offset: 0, search: "pub" }),
    );
  });

  it("says that nothing ran, and what went wrong", async () => {
    renderWith(memoryBackend(), <HistoryPanel />);
    expect(await screen.findByText("No runs yet")).toBeDefined();
  });

  it("offers to try again when the list cannot be read", async () => {
    const backend = memoryBackend({
      run_list: () => {
        throw new Error("the store is busy");
      },
    });
    renderWith(backend, <HistoryPanel />);
    expect(await screen.findByText("The store is busy")).toBeDefined();
    expect(screen.getByText("Try again")).toBeDefined();
  });
});
