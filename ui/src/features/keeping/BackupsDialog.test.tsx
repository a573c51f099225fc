import { fireEvent, screen, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { BackendError } from "../../backend/backend";
import { memoryBackend } from "../../backend/memory";
import type { BackupRow } from "../../bindings/BackupRow";
import { renderWith } from "../../test-render";
import { Backups } from "./BackupsDialog";

const row = (reason: string, more: Partial<BackupRow> = {}): BackupRow => ({
  path: `/data/backups/${reason}`,
  at: Date.now() - 3 * 3_600_000,
  reason,
  baton: "0.1.0",
  events: 12,
  runs: 3,
  openRuns: 1,
  artifacts: 2,
  damagedArtifacts: 0,
  bytes: 2_500_000,
  ...more,
});

function backend(rows: BackupRow[]) {
  return memoryBackend({
    backup_list: () => ({ backups: rows, folder: "/data/backups", isDaily: true }),
    backup_make: () => {
      rows.unshift(row("manual", { at: Date.now() }));
      return rows[0] as BackupRow;
    },
  });
}

describe("Backups", () => {
  it("says that there is none, makes one and shows it", async () => {
    const rows: BackupRow[] = [];
    renderWith(backend(rows), <Backups />);
    expect((await screen.findByTestId("last-backup")).textContent).toContain("no backup yet");
    fireEvent.click(screen.getByTestId("back-up-now"));
    await waitFor(() => expect(screen.getByTestId("last-backup").textContent).toContain("just now"));
    expect(screen.getByText(/by hand/)).toBeDefined();
    expect(screen.getByText(/3 runs · 2.5 MB/)).toBeDefined();
  });

  it("shows when the last one was made and why", async () => {
    renderWith(backend([row("daily"), row("before-format-2", { damagedArtifacts: 1 })]), <Backups />);
    expect((await screen.findByTestId("last-backup")).textContent).toContain("3 hours ago");
    expect(screen.getByText(/before an update/)).toBeDefined();
    expect(screen.getByText(/1 damaged values are not in it/)).toBeDefined();
  });

  it("keeps the setting", async () => {
    const memory = backend([]);
    renderWith(memory, <Backups />);
    fireEvent.click(await screen.findByTestId("daily-backup"));
    await waitFor(() =>
      expect(memory.requests("settings_set")).toEqual([{ panels: {}, dailyBackup: false }]),
    );
  });

  it("says why none was made", async () => {
    const memory = backend([]).given("backup_make", () => {
      throw new BackendError({ code: "store", message: "no space is left" });
    });
    renderWith(memory, <Backups />);
    fireEvent.click(await screen.findByTestId("back-up-now"));
    await waitFor(() => expect(screen.getByTestId("back-up-now").getAttribute("data-loading")).toBeNull());
    expect(screen.getByTestId("last-backup").textContent).toContain("no backup yet");
  });
});
