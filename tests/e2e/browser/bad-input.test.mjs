// Bad files: a clear message with the place and a way out, and nothing is lost.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { journey } from "../lib/journey.mjs";
import { chain, textOf } from "../lib/made.mjs";
import { at, openFile, startRun } from "../lib/studio.mjs";

async function tryToOpen(page, path) {
  await at(page, "open-file").click();
  const name = page.getByRole("dialog").getByLabel("File name");
  await name.fill(path);
  await name.press("Enter");
}

journey("broken JSON is refused with line and column", { prepare: (place) => writeFileSync(place.path("broken.baton.json"), '{\n  "format": 1,\n  "id": oops\n}\n'), expected: [/4\d\d/] }, async ({ page, place }) => {
  await tryToOpen(page, place.path("broken.baton.json"));
  await page.getByText(/line 3/i).first().waitFor();
  await at(page, "start-page").waitFor();
});

journey("a file from a newer Baton opens for reading only and is not touched", { prepare: (place) => writeFileSync(place.path("newer.baton.json"), textOf({ ...chain(2, "newer"), format: 99 })) }, async ({ page, place }) => {
  const before = readFileSync(place.path("newer.baton.json"), "utf8");
  await openFile(page, place.path("newer.baton.json"));
  await at(page, "step-s0001").waitFor();
  await page.getByText(/newer/i).first().waitFor();
  assert.equal(readFileSync(place.path("newer.baton.json"), "utf8"), before);
});

const strange = () => ({
  ...chain(2, "strange"),
  steps: [...chain(2).steps, { id: "brew", kind: "make_coffee", name: "Brew", with: { cups: 2 }, colour: "brown" }],
  edges: [{ from: "s0000", to: "s0001" }, { from: "s0001", to: "brew" }],
});

journey("an unknown kind is a placeholder that survives saving", { prepare: (place) => writeFileSync(place.path("strange.baton.json"), textOf(strange())) }, async ({ page, place }) => {
  await openFile(page, place.path("strange.baton.json"));
  await page.locator('[data-testid="step-brew"][data-unknown]').waitFor();
  await at(page, "tab-problems").click();
  await at(page, "problem-unknown-kind").waitFor();
  await at(page, "step-s0000").click();
  await page.keyboard.press("F2");
  await page.keyboard.type("First");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Control+S");
  await page.getByText("Saved", { exact: true }).first().waitFor();
  const saved = JSON.parse(readFileSync(place.path("strange.baton.json"), "utf8"));
  assert.deepEqual(saved.steps[2], strange().steps[2]);
});

const missing = () => ({
  format: 1,
  id: "missing",
  name: "Missing file",
  steps: [{ id: "load", kind: "read_table", with: { path: "data/nowhere.csv" } }],
  edges: [],
});

journey("a missing data file fails the run with its name and a way out", { prepare: (place) => writeFileSync(place.path("missing.baton.json"), textOf(missing())) }, async ({ page, place }) => {
  await openFile(page, place.path("missing.baton.json"));
  await startRun(page);
  await at(page, "run-status").filter({ hasText: "Failed" }).waitFor();
  await at(page, "run-step-load").click();
  await at(page, "run-panel").getByText(/no file .*nowhere\.csv/).first().waitFor();
});
