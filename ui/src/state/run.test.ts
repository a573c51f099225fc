import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { setBackend } from "../backend/backend";
import { type MemoryBackend, memoryBackend } from "../backend/memory";
import type { RunView } from "../bindings/RunView";
import { newWorkflow } from "./document";
import { useRun } from "./run";

function view(seq: number): RunView {
  return {
    summary: {
      id: "r1",
      number: 41,
      workflow: "demo",
      workflowName: "Demo",
      digest: "d",
      status: "running",
      startedAt: 0,
      seq,
      stepsDone: 0,
      stepsTotal: 1,
      waitingFor: [],
    },
    document: newWorkflow("Demo"),
    seq,
    at: 0,
    status: "running",
    steps: {},
    edges: {},
    input: null,
    outputs: null,
  };
}

const run = () => useRun.getState();
const advanced = (seq: number) => ({
  type: "run-advanced" as const,
  summary: view(seq).summary,
  events: [],
  truncated: false,
});
let backend: MemoryBackend;

beforeEach(() => {
  vi.useFakeTimers();
  backend = memoryBackend().givenRun(view(1));
  setBackend(backend);
});

afterEach(() => {
  run().closeRun();
  vi.useRealTimers();
});

describe("a run that goes on", () => {
  test("is read again at most every 120 ms, and once after the last event", async () => {
    await run().openRun("r1");
    for (let count = 0; count < 100; count += 1) {
      run().onEvent(advanced(count));
      await vi.advanceTimersByTimeAsync(10);
    }
    await vi.advanceTimersByTimeAsync(500);
    const readings = backend.requests("run_get").length;
    expect(readings).toBeGreaterThan(5);
    expect(readings).toBeLessThan(14);
  });

  test("ignores other runs", async () => {
    await run().openRun("r1");
    const event = advanced(2);
    run().onEvent({ ...event, summary: { ...event.summary, id: "r2" } });
    await vi.advanceTimersByTimeAsync(500);
    expect(backend.requests("run_get")).toHaveLength(1);
  });

  test("stays where the slider is, and still tells how the run stands", async () => {
    await run().openRun("r1");
    run().setSeq(3);
    await vi.advanceTimersByTimeAsync(500);
    expect(backend.requests("run_get").at(-1)).toEqual({ run: "r1", seq: 3 });
    const before = backend.requests("run_get").length;
    run().onEvent(advanced(9));
    await vi.advanceTimersByTimeAsync(500);
    expect(backend.requests("run_get")).toHaveLength(before);
    expect(run().view?.summary.seq).toBe(9);
  });

  test("shows nothing of a run that was closed while it was read", async () => {
    backend.given("run_get", () => new Promise((resolve) => setTimeout(() => resolve(view(1)), 100)));
    void run().openRun("r1");
    run().closeRun();
    await vi.advanceTimersByTimeAsync(200);
    expect(run().view).toBeNull();
  });

  test("says when it cannot be read", async () => {
    await run().openRun("nothing");
    expect(run().error?.code).toBe("not-found");
  });
});
