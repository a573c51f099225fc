// Edits are never lost: undo and redo, drafts after a crash, files that another program changed.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { journey } from "../lib/journey.mjs";
import { chain, textOf } from "../lib/made.mjs";
import { at, canvasOf, connect, dropStep, eventually, fillField, openFile, saveAs, stepsShown } from "../lib/studio.mjs";

const small = (place) => writeFileSync(place.path("small.baton.json"), textOf(chain(3, "small")));

async function freePlace(page) {
  const canvas = await canvasOf(page).boundingBox();
  return { x: canvas.x + canvas.width / 2, y: canvas.y + canvas.height - 100 };
}

journey("every edit can be undone and done again", { prepare: small }, async ({ page, place }) => {
  await openFile(page, place.path("small.baton.json"));
  await at(page, "step-s0002").waitFor();
  const log = await dropStep(page, "log", await freePlace(page));
  await connect(page, "s0002", "out", log);
  await at(page, `step-${log}`).click();
  await fillField(page, "message", "done");
  const undo = at(page, "toolbar-undo");
  const redo = at(page, "toolbar-redo");
  let undone = 0;
  while (await undo.isEnabled()) {
    await undo.click();
    undone += 1;
    assert.ok(undone < 20, "undo comes to an end");
  }
  assert.deepEqual((await stepsShown(page)).toSorted(), ["s0000", "s0001", "s0002"]);
  for (; undone > 0; undone -= 1) await redo.click();
  await at(page, `step-${log}`).click();
  await eventually(async () => assert.match(await textOfField(page, "message"), /done/));
  assert.ok(await redo.isDisabled(), "everything is there again");
});

async function textOfField(page, name) {
  return await at(page, `field-${name}`).evaluate((field) => [field.textContent, ...[...field.querySelectorAll("input, textarea")].map((input) => input.value)].join(" "));
}

journey("edits survive a killed server and come back as a draft", { prepare: small, expected: [/Failed to load resource|ERR_|fetch|network|connection/i] }, async ({ page, place, running, restart }) => {
  const file = place.path("small.baton.json");
  const before = readFileSync(file, "utf8");
  await openFile(page, file);
  const log = await dropStep(page, "log", await freePlace(page));
  await at(page, `step-${log}`).click();
  // Rust answers when the edit is on disk; what was typed a moment before that is what a crash may take.
  const kept = page.waitForResponse(
    (response) => response.url().endsWith("/api/rpc/draft_put") && response.request().postData()?.includes("not saved yet"),
  );
  await fillField(page, "message", "not saved yet");
  await kept;
  await running.server.kill();
  await page.context().close();
  assert.equal(readFileSync(file, "utf8"), before, "a draft never changes the file");

  const later = await restart();
  await at(later, "draft-open").first().click();
  await at(later, `step-${log}`).click();
  await eventually(async () => assert.match(await textOfField(later, "message"), /not saved yet/));
  await at(later, "toolbar-undo").waitFor();
});

journey("a new workflow is saved under a name, closed and opened again", async ({ page, place }) => {
  await at(page, "new-workflow").click();
  await canvasOf(page).waitFor();
  const first = await dropStep(page, "set_values", await freePlace(page));
  const path = place.path("mine.baton.json");
  await saveAs(page, path);
  const saved = JSON.parse(readFileSync(path, "utf8"));
  assert.deepEqual(saved.steps.map((step) => step.id), [first]);
  assert.ok(readFileSync(path, "utf8").endsWith("}\n"), "the file ends with a line break");
  await page.getByLabel("Start page").first().click();
  await at(page, "recent-file").filter({ hasText: "mine" }).first().click();
  await at(page, `step-${first}`).waitFor();
});

journey("a file that another program changed is noticed before it is overwritten", { prepare: small, expected: [/409|conflict/i] }, async ({ page, place }) => {
  const file = place.path("small.baton.json");
  await openFile(page, file);
  await dropStep(page, "log", await freePlace(page));
  const theirs = textOf({ ...chain(3, "small"), name: "Theirs" });
  writeFileSync(file, theirs);
  await at(page, "save-button").click();
  await page.getByText(/changed by someone else|was changed/i).first().waitFor();
  assert.equal(readFileSync(file, "utf8"), theirs, "their file is untouched until a person decides");
});
