import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";
import { BackendError } from "../../backend/backend";
import { memoryBackend, plainCheck } from "../../backend/memory";
import type { FiringLine } from "../../bindings/FiringLine";
import type { TriggerLine } from "../../bindings/TriggerLine";
import type { Workflow } from "../../bindings/Workflow";
import { useAsk } from "../../state/ask";
import { useEditor } from "../../state/editor";
import { useRun } from "../../state/run";
import { useView } from "../../state/view";
import { renderWith } from "../../test-render";
import { useLaunch } from "../runs/start-run";
import { activateTriggers } from "./act";
import TriggersPanel from "./TriggersPanel";

const doc: Workflow = {
  format: 1,
  id: "churn",
  name: "Churn",
  triggers: [{ id: "nightly", kind: "schedule", cron: "0 6 * * 1-5" } as Workflow["triggers"][number]],
  notes: [],
  layout: {},
  edges: [],
  steps: [{ id: "load", kind: "read_table" }],
};

const firing = (id: number, more: Partial<FiringLine> = {}): FiringLine => ({
  id,
  workflow: "churn",
  trigger: "nightly",
  key: `k${id}`,
  revision: 3,
  status: "started",
  count: 1,
  recordedAt: Date.now() - 60_000,
  payload: null,
  ...more,
});

const line = (more: Partial<TriggerLine> = {}): TriggerLine => ({
  workflow: "churn",
  workflowName: "Churn",
  trigger: "nightly",
  kind: "schedule",
  summary: "`0 6 * * 1-5` in Europe/Berlin",
  status: "active",
  revision: 3,
  digest: "d",
  isOutdated: false,
  overlap: "skip",
  next: { at: Date.now() + 7_200_000, local: "2026-11-30T06:00:00", offset: "+01:00" },
  waiting: 0,
  activatedBy: "ada",
  activatedAt: Date.now() - 3_600_000,
  changedBy: "ada",
  changedAt: Date.now() - 3_600_000,
  ...more,
});

function open(): void {
  useEditor.getState().load({
    document: doc,
    path: "/flows/churn.baton.json",
    revision: "r",
    readOnly: null,
    draft: null,
    check: plainCheck(doc),
    trust: { trusted: true, effects: [] },
  });
}

beforeEach(() => {
  useEditor.getState().close();
  useRun.getState().closeRun();
  useView.getState().closeDialog();
  useLaunch.setState({ waiting: null });
});

describe("TriggersPanel", () => {
  it("says that triggers act only once they are activated, and activates what the file holds", async () => {
    open();
    const backend = memoryBackend({
      trigger_activate: () => ({ workflow: "churn", revision: 1, triggers: [line({ revision: 1 })] }),
    });
    renderWith(backend, <TriggersPanel />);
    expect(await screen.findByText(/act once you activate this version/)).toBeDefined();
    fireEvent.click(screen.getByTestId("activate-triggers"));
    await waitFor(() =>
      expect(backend.requests("trigger_activate")).toEqual([{ path: "/flows/churn.baton.json" }]),
    );
  });

  it("shows state, schedule and next start, and lets a trigger wait", async () => {
    open();
    const backend = memoryBackend({
      trigger_list: () => ({ triggers: [line()], isActing: true }),
      trigger_pause: () => ({}),
    });
    renderWith(backend, <TriggersPanel />);
    const row = await screen.findByTestId("trigger-churn-nightly");
    expect(row.textContent).toContain("Active");
    expect(row.textContent).toContain("next in 2 hours");
    fireEvent.click(screen.getByTestId("trigger-pause-nightly"));
    await waitFor(() =>
      expect(backend.requests("trigger_pause")).toEqual([{ workflow: "churn", trigger: "nightly" }]),
    );
  });

  it("tells what fired and what did not, with the reason, and leads to the run", async () => {
    const firings = [
      firing(3, { run: "r9" }),
      firing(2, { status: "skipped", reason: "run 8 was not over" }),
      firing(1, { status: "missed", reason: "Baton was not running", count: 12, until: Date.now() }),
    ];
    const backend = memoryBackend({
      trigger_list: () => ({ triggers: [line({ last: firings[0] as FiringLine })], isActing: true }),
      trigger_firings: () => ({ firings, total: 3 }),
    });
    renderWith(backend, <TriggersPanel />);
    const row = await screen.findByTestId("trigger-churn-nightly");
    fireEvent.click(within(row).getByText("nightly"));
    expect((await screen.findByTestId("firing-2")).textContent).toContain("Run 8 was not over");
    expect(screen.getByTestId("firing-1").textContent).toContain("12 times");
    fireEvent.click(within(screen.getByTestId("firing-3")).getByText(/Show the run/));
    expect(useRun.getState().runId).toBe("r9");
  });

  it("says what keeps a trigger from firing, and that the file says something else by now", async () => {
    open();
    const backend = memoryBackend({
      trigger_list: () => ({
        triggers: [line({ trouble: "the folder `inbox` is gone", isOutdated: true })],
        isActing: true,
      }),
    });
    renderWith(backend, <TriggersPanel />);
    const row = await screen.findByTestId("trigger-churn-nightly");
    expect(row.textContent).toContain("In trouble");
    expect(row.textContent).toContain("The folder inbox is gone");
    expect(screen.getByTestId("activate-triggers").textContent).toContain("Activate this version");
  });

  it("asks before it deactivates", async () => {
    open();
    const backend = memoryBackend({
      trigger_list: () => ({ triggers: [line()], isActing: true }),
      trigger_deactivate: () => ({}),
    });
    renderWith(backend, <TriggersPanel />);
    fireEvent.click(await screen.findByTestId("deactivate-triggers"));
    expect(backend.requests("trigger_deactivate")).toEqual([]);
    useAsk.getState().question?.resolve("off");
    await waitFor(() => expect(backend.requests("trigger_deactivate")).toEqual([{ workflow: "churn" }]));
  });
});

describe("activateTriggers", () => {
  it("asks for trust first where nobody trusts this version", async () => {
    open();
    renderWith(
      memoryBackend({
        trigger_activate: () => {
          throw new BackendError({ code: "untrusted", message: "nobody trusts this version" });
        },
      }),
      <TriggersPanel />,
    );
    await activateTriggers();
    expect(useView.getState().dialog).toBe("trust");
    expect(useLaunch.getState().waiting?.purpose).toBe("activate");
  });
});
