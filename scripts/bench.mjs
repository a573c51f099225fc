// `npm run bench`: the figures that Baton promises, each beside a raw baseline measured in the same run.
//
// Built with `release`; everything else should be quiet while it runs. First a table for people, then one JSON line per
// figure: {"name", "value", "unit", "baseline", "ratio"}.
import { openThousandSteps } from "../tests/e2e/lib/figures.mjs";
import { buildInterface } from "./lib/packages.mjs";
import { must } from "./lib/run.mjs";
import { main, say, steps } from "./lib/terminal.mjs";
import { setup } from "./setup.mjs";
import { provideTemporal, selection as temporal } from "./temporal.mjs";

const selection = ["-p", "baton-acceptance", "-p", "baton-cli"];

/** Lines of JSON with a name and a value; everything else a bench prints is for people. */
function figuresIn(text) {
  return text
    .split("\n")
    .filter((line) => line.startsWith('{"name"'))
    .map((line) => JSON.parse(line));
}

function table(figures) {
  const number = (value) => (value === null || value === undefined ? "" : Number(value).toLocaleString("en", { maximumSignificantDigits: 4 }));
  const rows = [
    ["figure", "value", "unit", "baseline", "ratio"],
    ...figures.map(({ name, value, unit, baseline, ratio }) => [name, number(value), unit, number(baseline), number(ratio)]),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const isNumber = (column) => column === 1 || column > 2;
  return rows
    .map((row) => row.map((cell, column) => (isNumber(column) ? cell.padStart(widths[column]) : cell.padEnd(widths[column]))).join("  "))
    .join("\n");
}

await main(async () => {
  const step = steps(5);
  await step("Look for what is needed", () => setup(["compile", "test"]));
  await step("Build", async () => {
    await buildInterface();
    // One selection for both, so that cargo chooses the same features and builds everything once.
    await must("cargo", ["build", "--release", ...selection, "--bin", "baton", "--bench", "figures"]);
  });
  const figures = [];
  await step("Measure the machine, the engine and the command line", async () => {
    const { text } = await must("cargo", ["bench", "--quiet", ...selection, "--bench", "figures"], { output: "quiet" });
    figures.push(...figuresIn(text));
  });
  await step("Measure the browser", async () => {
    process.env.BATON_PROFILE = "release";
    figures.push(await openThousandSteps());
  });
  await step("Measure runs on a Temporal server", async () => {
    const reason = await provideTemporal();
    if (reason) return `left out: ${reason}`;
    const { text } = await must("cargo", ["bench", "--quiet", ...temporal, "--bench", "figures"], { output: "quiet" });
    figures.push(...figuresIn(text));
  });
  say();
  say(table(figures));
  say();
  for (const figure of figures) say(JSON.stringify(figure));
});
