// `npm run soak`: kills, power cuts, failing and full disks, damage, crowds and planted bugs, and what came of them.
// Writes the tables of docs/reliability.md.
//
//   npm run soak                                 all harnesses at full size
//   npm run soak -- --ci                         at the sizes of `npm test`
//   npm run soak -- --only kill power            some of them; `--list` says which there are
//   npm run soak -- --only kill --cases 200      of another size
//   npm run soak -- --only kill --seed 7 --case 3   one case again
//   npm run soak -- … --dry                      without writing the page
import { readFileSync, writeFileSync } from "node:fs";
import { inProject } from "./lib/paths.mjs";
import { ask, must, run } from "./lib/run.mjs";
import { bold, dim, duration, green, main, red, say, Trouble } from "./lib/terminal.mjs";
import { setup } from "./setup.mjs";

const page = inProject("docs/reliability.md");

/** The options that were given: `--only` takes words, others one value, some none. */
function options(given) {
  const chosen = { only: [] };
  for (let index = 0; index < given.length; index += 1) {
    const name = given[index].replace(/^--/, "");
    if (["ci", "dry", "list"].includes(name)) chosen[name] = true;
    else if (name === "only") while (given[index + 1] && !given[index + 1].startsWith("--")) chosen.only.push(given[++index]);
    else if (["cases", "seed", "case"].includes(name) && /^\d+$/.test(given[index + 1] ?? "")) chosen[name] = given[++index];
    else throw new Trouble(`\`${given[index]}\` is not understood`, "scripts/soak.mjs begins with what there is");
  }
  return chosen;
}

/** Builds with the points and bugs that no other build has, and gives the paths of both programs. */
async function build() {
  // The whole workspace, so that everything that has no such features is what `npm test` built.
  const args = ["build", "--workspace", "--exclude", "baton-temporal", "--test", "soak", "--test", "soak_store", "--features", "baton-acceptance/soak"];
  const env = process.env.CI ? { CARGO_INCREMENTAL: "0" } : {};
  const { text } = await must("cargo", [...args, "--message-format", "json-render-diagnostics"], { output: "quiet", env });
  const programs = {};
  for (const line of lines(text)) if (line.executable) programs[line.target.name] = line.executable;
  return programs;
}

/** The lines of a text that are JSON. */
function lines(text) {
  return text
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line));
}

/** What was built: the commit, and whether something was changed since. */
function revision() {
  const commit = ask("git", ["rev-parse", "--short=9", "HEAD"]) ?? "unknown";
  const isChanged = (ask("git", ["status", "--porcelain", "--", "crates", "tests", "Cargo.lock"]) ?? "") !== "";
  return isChanged ? `${commit} and changes` : commit;
}

/** The harness that needs the `baton` command itself: a journey of its tests, made often. Five takeovers each. */
const owners = {
  name: "owners",
  target: "R-13",
  injects: "six programs started at once on one folder; the owner is killed again and again, and the others go on",
  ci: 10,
  full: 1000,
};

async function takeOver(cases) {
  const journey = "owners::of_many_started_at_once_one_owns_the_folder_and_the_killed_are_followed";
  const args = ["test", "--workspace", "--exclude", "baton-temporal", "--test", "it", "--", "--exact", journey, "--nocapture"];
  await must("cargo", ["build", "--workspace", "--exclude", "baton-temporal", "--test", "it"], { output: "quiet" });
  const start = Date.now();
  const env = { BATON_OWNER_ROUNDS: String(Math.max(1, Math.round(cases / 5))) };
  const { code, text } = await run("cargo", args, { output: "quiet", env });
  const said = /(\d+) takeovers: median ([\d.]+)(µs|ms|s), longest ([\d.]+)(µs|ms|s)/.exec(text);
  const ms = (number, unit) => Math.round(number * { µs: 0.001, ms: 1, s: 1000 }[unit]);
  const failures = code === 0 && said ? [] : [text.slice(-2000)];
  failures.forEach((failure) => say(failure));
  const notes = said ? { "median takeover, ms": ms(said[2], said[3]), "longest takeover, ms": ms(said[4], said[5]) } : {};
  const seconds = (Date.now() - start) / 1000;
  return { harness: owners.name, ...owners, cases: Number(said?.[1] ?? 0), failed: failures.length, notes, seconds };
}

const count = (number) => Number(number).toLocaleString("en");
const seconds = (number) => (number < 10 ? number.toFixed(1) : Math.round(number).toString());
const row = (cells) => `| ${cells.join(" | ")} |`;

function resultRow(result, size, build) {
  const seen = Object.entries(result.notes).map(([what, number]) => `${what}: ${count(number)}`);
  return row([
    `\`${result.harness}\``,
    result.target,
    result.injects,
    count(result.cases),
    count(result.failed),
    seen.join("; "),
    result.seed ? `${size}, seed ${result.seed}` : size,
    seconds(result.seconds),
    build,
  ]);
}

function bugRow(bug, build) {
  return row([`\`${bug.bug}\``, bug.what, bug.caught ? `\`${bug.harness}\`` : "**not caught**", seconds(bug.seconds), build]);
}

/** Says what came of a harness. */
function tell(result) {
  const { cases, failed, notes, seed } = result;
  say(`${failed === 0 ? green("held") : red("failed")}  ${count(cases)} cases, ${failed} failed, ${seconds(result.seconds)} s${seed ? `, seed ${seed}` : ""}`);
  for (const [what, number] of Object.entries(notes)) say(dim(`    ${what}: ${count(number)}`));
  return result;
}

/** Replaces the rows between two markers that are about the same things, and keeps the others. */
function merge(text, mark, rows, order) {
  const [before, rest] = text.split(`<!-- ${mark}: written by \`npm run soak\` -->\n`);
  const [old, after] = rest.split(`<!-- end of ${mark} -->`);
  const key = (line) => line.split("|")[1].trim().replaceAll("`", "");
  const [head, rule, ...kept] = old.trim().split("\n");
  const all = new Map(kept.map((line) => [key(line), line]));
  for (const line of rows) all.set(key(line), line);
  const sorted = order.filter((name) => all.has(name)).map((name) => all.get(name));
  return `${before}<!-- ${mark}: written by \`npm run soak\` -->\n${[head, rule, ...sorted].join("\n")}\n<!-- end of ${mark} -->${after}`;
}

await main(async () => {
  const chosen = options(process.argv.slice(2));
  if (process.platform !== "linux") throw new Trouble("the soak needs Linux", "`strace` and small disks in memory are what it works with");
  await setup(["compile", "soak"]);
  const start = Date.now();
  const programs = await build();
  say(dim(`built in ${duration(Date.now() - start)}`));
  const harnesses = lines((await must(programs.soak, ["list"], { output: "quiet" })).text);
  harnesses.splice(-1, 0, owners);
  if (chosen.list) {
    for (const { name, target, injects } of harnesses) say(`${name.padEnd(12)}${target}  ${injects}`);
    return 0;
  }
  const unknown = chosen.only.filter((name) => !harnesses.some((harness) => harness.name === name));
  if (unknown.length > 0) throw new Trouble(`there is no harness \`${unknown[0]}\``, "`npm run soak -- --list` says which there are");
  const wanted = harnesses.filter(({ name }) => chosen.only.length === 0 || chosen.only.includes(name));

  const size = chosen.ci ? "CI" : "full";
  // The same cases for every build server; by hand, others each time.
  const seed = chosen.seed ?? (chosen.ci ? "1" : String(Math.floor(Date.now() / 1000) % 1_000_000));
  const results = [];
  const bugs = [];
  for (const harness of wanted) {
    say(bold(`\n── ${harness.name}: ${harness.injects}`));
    const cases = chosen.cases ?? String(harness[chosen.ci ? "ci" : "full"]);
    if (harness === owners) {
      results.push(tell(await takeOver(Number(cases))));
      continue;
    }
    const args = ["run", harness.name, "--cases", cases, "--seed", seed];
    if (chosen.case) args.push("--case", chosen.case);
    args.push("--store-child", programs.soak_store, "--kept", inProject("target/soak"));
    const { code, text } = await run(programs.soak, args, { output: "tee-errors" });
    const said = lines(text);
    bugs.push(...said.filter((line) => line.bug));
    const result = said.find((line) => line.harness && !line.bug);
    if (!result) throw new Trouble(`\`${harness.name}\` broke off with ${code}`);
    results.push(tell(result));
  }

  if (!chosen.dry && !chosen.case) {
    const build = revision();
    let text = readFileSync(page, "utf8");
    text = merge(text, "results", results.map((result) => resultRow(result, chosen.cases ? "chosen size" : size, build)), harnesses.map(({ name }) => name));
    const known = [...text.matchAll(/^\| `([a-z-]+)`/gm)].map(([, name]) => name);
    text = merge(text, "bugs", bugs.map((bug) => bugRow(bug, build)), [...new Set([...bugs.map(({ bug }) => bug), ...known])]);
    writeFileSync(page, text);
    say(`\nwritten to docs/reliability.md`);
  }
  const passed = results.filter(({ failed, cases }) => failed === 0 && cases > 0).length;
  const failed = results.filter((result) => result.failed > 0).length;
  // In the words that `npm test` counts.
  say(`\ntest result: ${passed} passed; ${failed} failed; after ${duration(Date.now() - start)}`);
  return failed === 0 ? 0 : 1;
});
