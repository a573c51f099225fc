// A place of its own for every journey: a data folder, a copy of the samples, and nothing of the person who runs it.
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { requireProgram } from "../../../scripts/lib/cargo.mjs";
import { inProject } from "../../../scripts/lib/paths.mjs";

export const baton = () => process.env.BATON_BIN ?? requireProgram("baton", process.env.BATON_PROFILE ?? "dev");
export const desktop = () => process.env.BATON_DESKTOP_BIN ?? requireProgram("baton-desktop", process.env.BATON_PROFILE ?? "dev");

export function makePlace() {
  const folder = mkdtempSync(join(tmpdir(), "baton-e2e-"));
  const place = {
    folder,
    data: join(folder, "data"),
    workflows: join(folder, "workspace", "workflows"),
    workspace: join(folder, "workspace"),
    /** The surroundings of a process that must know nothing of this machine. */
    env: {
      ...process.env,
      BATON_DATA_DIR: join(folder, "data"),
      BATON_WORKSPACE_DIR: join(folder, "workspace"),
      BATON_SAMPLES_DIR: join(folder, "workspace", "workflows"),
      BATON_UI_DIR: process.env.BATON_UI_DIR ?? inProject("ui/dist"),
      XDG_DATA_HOME: join(folder, "share"),
      XDG_CONFIG_HOME: join(folder, "config"),
      XDG_STATE_HOME: join(folder, "state"),
      XDG_CACHE_HOME: join(folder, "cache"),
    },
    path: (...parts) => join(folder, "workspace", ...parts),
    remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }),
  };
  mkdirSync(place.workspace, { recursive: true });
  if (existsSync(inProject("workflows"))) {
    cpSync(inProject("workflows"), place.workflows, { recursive: true, filter: (path) => !/[\\/]out$/.test(path) });
  }
  return place;
}
