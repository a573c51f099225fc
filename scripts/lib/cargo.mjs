// How the scripts build Rust. One profile for everything but measuring: docs/decisions/0002-one-build.md.
import { existsSync, readFileSync } from "node:fs";
import { missing } from "./needs.mjs";
import { builtProgram, inProject } from "./paths.mjs";
import { must } from "./run.mjs";
import { Trouble } from "./terminal.mjs";

/** The Rust version that the workspace asks for. */
export function rustVersion() {
  const manifest = readFileSync(inProject("Cargo.toml"), "utf8");
  return manifest.match(/^rust-version = "([\d.]+)"/m)[1];
}

/**
 * Builds the programs. `profile` is a cargo profile.
 *
 * Always with the features that `npm test` builds with, or cargo would compile most of the dependencies a second time: the whole
 * workspace, and what tests need of the dependencies as well. `--examples` asks for the latter.
 * Only where the window cannot be built is it left out.
 */
export async function build({ profile = "dev" } = {}) {
  const withoutWindow = missing(["window"]).length > 0 ? ["--exclude", "baton-desktop"] : [];
  await must("cargo", ["build", "--profile", profile, "--workspace", "--exclude", "baton-temporal", ...withoutWindow, "--bins", "--examples"]);
}

/** The path of a built program; says how to build it if it is not there. */
export function requireProgram(name, profile = "dev") {
  const path = builtProgram(name, profile);
  if (existsSync(path)) return path;
  throw new Trouble(`\`${path}\` is not there`, "run `npm run check` or `npm start` first: they build it");
}
