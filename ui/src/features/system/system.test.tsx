import { act, fireEvent, screen, waitFor, within } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";
import { type MemoryBackend, memoryBackend, plainLimits } from "../../backend/memory";
import type { SafeModeView } from "../../bindings/SafeModeView";
import { AskDialog } from "../../components/AskDialog";
import { useSystem } from "../../state/system";
import { renderWith } from "../../test-render";
import { LimitsDialog } from "./LimitsDialog";
import { SafeModeDialog } from "./SafeModeDialog";
import { SystemBanners } from "./SystemBanners";

const unsafe: SafeModeView = {
  isActive: true,
  reason: "Baton ended unexpectedly 3 times within ten minutes",
  waitingRuns: 2,
  quarantined: [
    {
      run: "r2",
      number: 2,
      workflowName: "Poison",
      at: 1_000,
      reason: "Baton ended while it took this run up",
    },
  ],
  starts: [
    { at: 9_000, version: "0.1.0", isCurrent: true, isSafe: true },
    { at: 8_000, version: "0.1.0", isCurrent: false, isSafe: false, takingUp: "r2-and-more" },
    { at: 7_000, version: "0.1.0", isCurrent: false, isSafe: false, endedAt: 7_500 },
  ],
};

let backend: MemoryBackend;

beforeEach(() => {
  backend = memoryBackend();
  act(() => useSystem.getState().close());
});

describe("safe mode", () => {
  it("is told and can be left", async () => {
    backend.given("safe_mode_get", () => unsafe);
    backend.given("safe_mode_leave", () => ({ ...unsafe, isActive: false }));
    renderWith(backend, <SystemBanners />);
    const banner = await screen.findByTestId("safe-mode-banner");
    expect(banner.textContent).toContain("one run is set aside");
    fireEvent.click(screen.getByTestId("safe-mode-leave"));
    await waitFor(() => expect(screen.queryByTestId("safe-mode-banner")).toBeNull());
    expect(backend.requests("safe_mode_leave")).toHaveLength(1);
  });

  it("shows what happened, and lets a run go on or stops it", async () => {
    backend.given("safe_mode_get", () => unsafe);
    backend.given("run_release", () => ({}));
    backend.given("run_cancel", () => ({}));
    renderWith(
      backend,
      <>
        <SafeModeDialog />
        <AskDialog />
      </>,
    );
    act(() => useSystem.getState().show("safe-mode"));
    const dialog = await screen.findByTestId("safe-mode-dialog");
    expect(dialog.textContent).toContain("2 open runs wait");
    expect(dialog.textContent).toContain("unexpectedly, while run r2-and-m was taken up");
    const aside = within(screen.getByTestId("aside-2"));
    fireEvent.click(aside.getByText("Let it go on"));
    await waitFor(() => expect(backend.requests("run_release")).toEqual([{ run: "r2" }]));
    await waitFor(() => expect(aside.getByText("Stop it").closest("button")?.disabled).toBe(false));
    fireEvent.click(aside.getByText("Stop it"));
    fireEvent.click(await screen.findByText("Stop the run"));
    await waitFor(() => expect(backend.requests("run_cancel")).toEqual([{ run: "r2", undo: false }]));
  });
});

describe("the disk", () => {
  it("is told about when there is little room, in words", async () => {
    backend.given("disk_get", () => ({
      level: "paused",
      dir: "/data",
      free: 400_000_000,
      total: 100_000_000_000,
      hasBallast: true,
      limits: plainLimits().disk,
    }));
    renderWith(backend, <SystemBanners />);
    const banner = await screen.findByTestId("disk-banner");
    expect(banner.textContent).toContain("The disk is nearly full. 400 MB are free for /data.");
  });
});

describe("limits", () => {
  it("are shown, changed and kept", async () => {
    renderWith(backend, <LimitsDialog />);
    act(() => useSystem.getState().show("limits"));
    await screen.findByTestId("limits-dialog");
    fireEvent.change(screen.getByTestId("budget-steps"), { target: { value: "500" } });
    fireEvent.change(screen.getByTestId("limits-concurrency"), { target: { value: "3" } });
    const memory = screen.getByLabelText("Values in memory");
    fireEvent.change(memory, { target: { value: "lots" } });
    expect(screen.getByTestId("limits-save").hasAttribute("disabled")).toBe(true);
    fireEvent.change(memory, { target: { value: "64 MB" } });
    fireEvent.change(screen.getByTestId("limits-resource-name"), { target: { value: "erp" } });
    fireEvent.click(screen.getByTestId("limits-add-resource"));
    fireEvent.click(screen.getByTestId("limits-save"));
    await waitFor(() => expect(backend.requests("limits_set")).toHaveLength(1));
    expect(backend.requests("limits_set")[0]).toMatchObject({
      run: { steps: 500, memory: 64_000_000 },
      concurrency: 3,
      resources: { erp: { parallel: 1 } },
    });
  }, 20_000);

  it("that are refused say why", async () => {
    backend.given("limits_set", () => {
      throw Object.assign(new Error("no"), {
        code: "bad-request",
        message: "a budget of 0 would stop every run",
      });
    });
    renderWith(backend, <LimitsDialog />);
    act(() => useSystem.getState().show("limits"));
    await screen.findByTestId("limits-dialog");
    fireEvent.click(screen.getByTestId("limits-save"));
    expect((await screen.findByRole("alert")).textContent).toContain("budget of 0");
  });
});
