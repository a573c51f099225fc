// `npm test`: everything that must hold, cheapest first. The build server runs nothing else.
//
//   npm test                        all of it
//   npm test -- --only rust         the stages whose name contains a word
//   npm test -- --list              the names of the stages
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkBindings } from "./bindings.mjs";
import { countTests } from "./lib/counts.mjs";
import { buildInterface } from "./lib/packages.mjs";
import { inProject } from "./lib/paths.mjs";
import { ask, findProgram, must, run } from "./lib/run.mjs";
import { bold, dim, duration, green, main, red, say, Trouble, yellow } from "./lib/terminal.mjs";
import { setup } from "./setup.mjs";
import { buildFollower, provideTemporal, selection, studioTests } from "./temporal.mjs";

const isCi = Boolean(process.env.CI);
const linux = process.platform === "linux";

// Baton must keep to the folder that it is told. Every test brings its own; whatever turns up here went astray.
const decoy = mkdtempSync(join(tmpdir(), "baton-decoy-"));
const surroundings = {
  BATON_DATA_DIR: join(decoy, "baton-data"),
  XDG_DATA_HOME: join(decoy, "share"),
  XDG_CONFIG_HOME: join(decoy, "config"),
  XDG_STATE_HOME: join(decoy, "state"),
  XDG_CACHE_HOME: join(decoy, "cache"),
};

const cargo = (...args) => must("cargo", args, { env: isCi ? { CARGO_INCREMENTAL: "0" } : {} });
const inUi = (script) => must("npm", ["run", "--silent", script, "--workspace", "ui"]);

/** Runs a test runner, lets its output through and counts. No test at all is a failure. */
async function tests(program, ...args) {
  const env = { ...surroundings, ...(isCi ? { CARGO_INCREMENTAL: "0" } : {}), FORCE_COLOR: "0" };
  const result = await run(program, args, { env, output: "tee" });
  const counts = countTests(result.text);
  if (result.code !== 0 && counts.failed === 0) counts.failed = 1;
  if (counts.passed + counts.failed === 0) throw new Trouble("no test was run");
  return counts;
}

function journeys(folder) {
  return readdirSync(inProject("tests/e2e", folder))
    .filter((name) => name.endsWith(".test.mjs"))
    .sort()
    .map((name) => join("tests/e2e", folder, name));
}

const nodeTest = ["--test", "--test-reporter=spec", "--test-concurrency=1"];

// The whole workspace in every call, so that cargo chooses the same features and builds everything once. Only the worker
// of Temporal is apart: it comes last.
const everything = ["--workspace", "--exclude", "baton-temporal"];

const stages = [
  { name: "setup", work: () => setup(["compile", "window", "test", ...(linux ? ["soak"] : [])]) },
  { name: "scripts", work: () => tests("node", "--test", "--test-reporter=spec", "scripts/lib/counts.test.mjs") },
  { name: "rust format", work: () => cargo("fmt", "--all", "--check", "--", "--files-with-diff") },
  { name: "interface types", work: () => inUi("typecheck") },
  { name: "interface lints", work: () => inUi("lint") },
  { name: "interface tests", work: () => tests("npm", "run", "--silent", "test", "--workspace", "ui") },
  { name: "interface build", gives: "ui", work: () => buildInterface({ output: "through" }) },
  { name: "rust build", needs: ["ui"], gives: "build", work: () => cargo("build", ...everything, "--all-targets") },
  {
    name: "rust lints",
    needs: ["ui"],
    // With the worker of Temporal: what is only checked is compiled apart from what is built in any case.
    work: () => cargo("clippy", "--workspace", "--all-targets", "--features", "baton-acceptance/soak", "--", "-D", "warnings"),
  },
  {
    name: "rust tests",
    needs: ["build"],
    work: () =>
      findProgram("cargo-nextest")
        ? tests("cargo", "nextest", "run", ...everything, ...(isCi ? ["--profile", "ci"] : []))
        : tests("cargo", "test", ...everything, "--all-targets", "--", "--skip", "export_bindings"),
  },
  { name: "rust examples in documentation", needs: ["build"], work: () => cargo("test", ...everything, "--doc", "--quiet") },
  { name: "bindings", needs: ["build"], work: () => checkBindings({ scope: everything }) },
  {
    name: "expressions against the reference",
    needs: ["build"],
    work: () => tests("node", ...nodeTest, "tests/conformance/expressions.test.mjs"),
  },
  { name: "journeys in the browser", needs: ["build"], work: () => tests("node", ...nodeTest, ...journeys("browser")) },
  {
    name: "journeys in the window",
    needs: ["build"],
    // A session bus of its own: Baton talks to an instance that is already open on the same bus.
    work: () => tests("dbus-run-session", "--", "node", ...nodeTest, ...journeys("window")),
    skip: () => (linux ? null : "WebKitWebDriver is for Linux"),
  },
  {
    name: "soak",
    needs: ["build"],
    work: () => tests("node", "scripts/soak.mjs", "--ci", "--dry"),
    skip: () => (linux ? null : "it needs `strace`"),
  },
  {
    name: "temporal",
    needs: ["build"],
    // A dependency of its own size, built and tested only here.
    work: async () => {
      const reason = await provideTemporal();
      if (reason) return { skipped: reason };
      await buildFollower();
      const own = findProgram("cargo-nextest")
        ? await tests("cargo", "nextest", "run", ...selection)
        : await tests("cargo", "test", ...selection);
      const studio = await tests("node", ...studioTests());
      return { passed: own.passed + studio.passed, failed: own.failed + studio.failed };
    },
  },
  { name: "nothing left behind", work: nothingLeftBehind },
];

const unchanged = ask("git", ["status", "--porcelain"]);

async function nothingLeftBehind() {
  const astray = [surroundings.BATON_DATA_DIR, ...strays(surroundings.XDG_DATA_HOME), ...strays(surroundings.XDG_CONFIG_HOME), ...strays(surroundings.XDG_STATE_HOME), ...strays(surroundings.XDG_CACHE_HOME)]
    .filter((path) => existsSync(path));
  for (const path of astray) say(`    ${path}`);
  if (astray.length > 0) throw new Trouble("a test wrote to the folders of the person who ran it", "give it a data folder of its own");
  // Elsewhere somebody may be editing while the tests run.
  if (!isCi) return;
  const now = ask("git", ["status", "--porcelain"]);
  if (now !== unchanged) {
    say(now ?? "");
    throw new Trouble("the tests changed files of the project", "tests write to folders that they make and remove");
  }
}

// Chromium, GTK and D-Bus keep things there as well; those are not ours.
function strays(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter((name) => /baton/i.test(name)).map((name) => join(folder, name));
}

async function perform(stage, available) {
  const reason = stage.skip?.() ?? (stage.needs?.some((need) => !available.has(need)) ? "an earlier stage failed" : null);
  if (reason) return { mark: yellow("skipped"), words: reason, passed: 0, failed: 0 };
  say(bold(`\n── ${stage.name}`));
  const start = Date.now();
  let counts;
  let words = "";
  try {
    counts = await stage.work();
    if (counts?.skipped) {
      say(counts.skipped);
      return { mark: yellow("skipped"), words: counts.skipped, passed: 0, failed: 0 };
    }
    if (typeof counts?.failed !== "number") counts = { passed: 1, failed: 0 };
    else words = `${counts.passed} passed, ${counts.failed} failed`;
  } catch (error) {
    if (!(error instanceof Trouble)) throw error;
    say(`${red("error:")} ${error.message}`);
    if (error.hint) say(`${dim("hint:")}  ${error.hint}`);
    words = error.message;
    counts = { passed: 0, failed: 1 };
  }
  if (counts.failed === 0 && stage.gives) available.add(stage.gives);
  const mark = counts.failed === 0 ? green("passed") : red("failed");
  return { ...counts, mark, words: [duration(Date.now() - start), words].filter(Boolean).join(", ") };
}

await main(async () => {
  const given = process.argv.slice(2);
  if (given.includes("--list")) {
    for (const stage of stages) say(stage.name);
    return 0;
  }
  const only = given.includes("--only") ? given.slice(given.indexOf("--only") + 1) : null;
  const chosen = stages.filter((stage) => !only || only.some((word) => stage.name.includes(word)));
  if (chosen.length === 0) throw new Trouble("no stage has such a name", "`npm test -- --list` says which there are");

  const start = Date.now();
  // What a stage needs and was not chosen is taken to be there already.
  const available = new Set(stages.filter((stage) => !chosen.includes(stage)).map((stage) => stage.gives));
  const results = [];
  try {
    for (const stage of chosen) results.push({ stage, ...(await perform(stage, available)) });
  } finally {
    rmSync(decoy, { recursive: true, force: true });
  }

  const sum = (key) => results.reduce((total, result) => total + result[key], 0);
  say(bold(`\n── summary after ${duration(Date.now() - start)}`));
  for (const { stage, mark, words } of results) say(`${mark}  ${stage.name}  ${dim(words)}`);
  const skipped = results.filter((result) => result.passed + result.failed === 0).length;
  const failed = sum("failed");
  if (skipped > 0) say(dim(`${skipped} stages skipped`));
  say(`\n${sum("passed")} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
});
