// How the scripts build Rust. One profile for everything but measuring: docs/decisions/0002-one-build.md.
import { existsSync, readFileSync } from "node:fs";
import { builtProgram, inProject } from "./paths.mjs";
import { must } from "./run.mjs";
import { Trouble } from "./terminal.mjs";

/** The Rust version that the workspace asks for. */
export function rustVersion() {
  const manifest = readFileSync(inProject("Cargo.toml"), "utf8");
  return manifest.match(/^rust-version = "([\d.]+)"/m)[1];
}

/** Builds a program and gives its path. `profile` is a cargo profile. */
export async function build(packages, { profile = "dev" } = {}) {
  await must("cargo", ["build", "--profile", profile, ...packages.flatMap((name) => ["-p", name])]);
}

/** The path of a built program; says how to build it if it is not there. */
export function requireProgram(name, profile = "dev") {
  const path = builtProgram(name, profile);
  if (existsSync(path)) return path;
  throw new Trouble(`\`${path}\` is not there`, "run `npm run check` or `npm start` first: they build it");
}
