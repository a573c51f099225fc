// The main job, end to end, on real data: open a sample, change it, run it, decide, look, replay, save, come back.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { journey } from "../lib/journey.mjs";
import { readSample } from "../lib/samples.mjs";
import { at, canvasOf, centre, connect, dropStep, eventually, fillField, openFile, openSample, runStands, startRun } from "../lib/studio.mjs";

const airports = readSample("airports");
const approval = airports.ofKind("approval");
const read = airports.ofKind("read_table");

// Asking whether to trust a changed version is an answer of 403.
const expected = [/403/];

journey("the main job by mouse", { expected }, async ({ page, place, running, restart }) => {
  await openSample(page, airports.id);
  for (const step of [read, approval]) await at(page, `step-${step}`).waitFor();
  await at(page, "tab-problems").click();

  // A new step: its problems appear, and go away as it is wired and filled in.
  const canvas = await canvasOf(page).boundingBox();
  const free = { x: canvas.x + canvas.width / 2, y: canvas.y + canvas.height - 90 };
  const log = await dropStep(page, "log", free);
  await at(page, "problem-missing-setting").waitFor();
  await connect(page, read, "out", log);
  await at(page, `step-${log}`).click();
  await fillField(page, "message", "Airports are there");
  await at(page, "problem-missing-setting").waitFor({ state: "detached" });
  await at(page, "validity").filter({ hasNotText: "error" }).waitFor();

  // Run; a person decides; everything is done.
  await startRun(page);
  await runStands(page, "Waiting");
  await at(page, `run-step-${log}`).filter({ hasText: "Succeeded" }).waitFor();
  await at(page, "inbox-badge").click();
  await at(page, `approve-${approval}`).click();
  await at(page, "tab-run").click();
  await runStands(page, "Succeeded");
  assert.ok(existsSync(place.path("workflows", "out", "airports.parquet")), "the table was written");
  assert.ok(existsSync(place.path("workflows", "out", "airports-quarantine.csv")), "so were the rows in quarantine");

  // Rows of a table, paged from Rust.
  await at(page, `run-step-${read}`).click();
  await at(page, "data-table").getByText("iata").first().waitFor();

  // The run again, from its history: step by step, the canvas as it was.
  await at(page, "run-close").click();
  await at(page, "tab-history").click();
  await at(page, "history-run-1").click();
  const thumb = at(page, "run-slider").getByRole("slider");
  await thumb.press("Home");
  await page.getByText(/event 1 of \d+/).waitFor();
  await page.locator(`[data-testid="step-${approval}"]:not([data-status="succeeded"])`).waitFor();
  await thumb.press("End");
  await page.locator(`[data-testid="step-${approval}"][data-status="succeeded"]`).waitFor();
  await at(page, "run-close").click();

  // Save, end everything, come back.
  await at(page, "save-button").click();
  await page.getByText("Saved", { exact: true }).first().waitFor();
  const saved = JSON.parse(readFileSync(place.path("workflows", "airports.baton.json"), "utf8"));
  assert.ok(saved.steps.some((step) => step.id === log), "the new step is in the file");
  await running.server.stop();
  await page.close();

  const later = await restart();
  await at(later, "recent-file").first().click();
  await at(later, `step-${log}`).waitFor();
  await at(later, `step-${log}`).click();
  await at(later, "field-message").getByText("Airports are there").or(at(later, "field-message").locator("textarea")).first().waitFor();
  await at(later, "tab-history").click();
  await at(later, "history-run-1").filter({ hasText: "Succeeded" }).waitFor();
});

journey("the main job by keyboard", { expected }, async ({ page, place }) => {
  await at(page, "start-page").waitFor();
  await openFileByKeys(page, place.path("workflows", "airports.baton.json"));
  await at(page, `step-${approval}`).waitFor();

  // A step from the search: the palette's field, a word, Enter.
  const search = page.getByLabel("Search steps");
  await search.focus();
  await page.keyboard.type("log");
  await page.keyboard.press("Enter");
  const added = canvasOf(page).locator("[data-step][data-selected]");
  await added.waitFor();
  const log = await added.getAttribute("data-step");
  await at(page, "field-message").locator("input:visible, textarea:visible").first().focus();
  await page.keyboard.type("Hello");

  await startRun(page, { byKey: true });
  await runStands(page, "Waiting");
  await page.keyboard.press("Control+Shift+I");
  await at(page, `approve-${approval}`).press("Enter");
  await page.keyboard.press("Control+Shift+R");
  await runStands(page, "Succeeded");
  await at(page, `run-step-${log}`).waitFor();

  await page.keyboard.press("Control+Shift+H");
  await at(page, "history-run-1").press("Enter");
  const thumb = at(page, "run-slider").getByRole("slider");
  await thumb.focus();
  await page.keyboard.press("ArrowLeft");
  await page.getByText(/event (\d+) of (?!\1 )\d+/).waitFor();
  await at(page, "run-live").press("Enter");
  await at(page, "run-close").press("Enter");

  await page.keyboard.press("Control+S");
  await page.getByText("Saved", { exact: true }).first().waitFor();
});

async function openFileByKeys(page, path) {
  await page.keyboard.press("Control+O");
  const name = page.getByRole("dialog").getByLabel("File name");
  await name.waitFor();
  await page.keyboard.type(path);
  await page.keyboard.press("Enter");
}

journey("a rejected approval takes the other way", async ({ page, place }) => {
  await openFile(page, place.path("workflows", "airports.baton.json"));
  await startRun(page);
  await runStands(page, "Waiting");
  await at(page, "inbox-badge").click();
  await at(page, `reject-${approval}`).click();
  await at(page, "tab-run").click();
  await at(page, "run-status").filter({ hasNotText: /Waiting|Running/ }).waitFor();
  assert.ok(!existsSync(place.path("workflows", "out", "airports.parquet")), "nothing was published");
});
