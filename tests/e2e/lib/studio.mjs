// What people do in the studio, for the journeys in the browser. Everything is found as people or screen readers find it,
// or by the test ids that the pages promise.
import assert from "node:assert/strict";

export const at = (page, id) => page.getByTestId(id);

/** The drawing itself; its panel has the same test id. */
export const canvasOf = (page) => page.locator("[data-testid=canvas][role=application]");

/** Opens a sample from the start page. */
export async function openSample(page, id) {
  await at(page, "start-page").waitFor();
  await at(page, `sample-${id}`).click();
  await canvasOf(page).waitFor();
}

/** Opens a file through the dialog. */
export async function openFile(page, path) {
  await at(page, "open-file").click();
  const name = page.getByRole("dialog").getByLabel("File name");
  await name.fill(path);
  await name.press("Enter");
  await canvasOf(page).waitFor();
}

/** Saves under a name that is new. */
export async function saveAs(page, path) {
  await page.keyboard.press("Control+Shift+S");
  const name = page.getByRole("dialog").getByLabel("File name");
  await name.fill(path);
  await name.press("Enter");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await at(page, "save-button").and(page.locator(":disabled")).waitFor();
}

export async function centre(locator) {
  await locator.scrollIntoViewIfNeeded();
  const box = await locator.boundingBox();
  assert.ok(box, "it is on the screen");
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

/** Presses, moves as a hand does, lets go. */
export async function drag(page, from, to) {
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move(from.x + 8, from.y + 8, { steps: 2 });
  await page.mouse.move(to.x, to.y, { steps: 12 });
  await page.mouse.up();
}

/** Ids of the steps that are on the canvas now. */
export async function stepsShown(page) {
  return await canvasOf(page).locator("[data-step]").evaluateAll((cards) => cards.map((card) => card.dataset.step));
}

/** Drags a kind from the palette to a free place and gives the id of the new step. */
export async function dropStep(page, kind, to) {
  const before = await stepsShown(page);
  await drag(page, await centre(at(page, `palette-item-${kind}`)), to);
  let added;
  await eventually(async () => {
    added = (await stepsShown(page)).find((id) => !before.includes(id));
    assert.ok(added, `a new \`${kind}\` is on the canvas`);
  });
  return added;
}

/** Draws an edge from an outlet (`out`, a port, `error`) to a step. */
export async function connect(page, from, outlet, to) {
  await at(page, `step-${from}`).hover();
  await drag(page, await centre(at(page, `handle-${from}-${outlet}`)), await centre(at(page, `handle-${to}-in`)));
}

/** Types into a field of the inspector. */
export async function fillField(page, name, value) {
  const field = at(page, `field-${name}`).locator("input:visible, textarea:visible, [contenteditable=true]:visible").first();
  await field.click();
  await page.keyboard.press("Control+A");
  await page.keyboard.type(value);
  await field.blur();
}

/**
 * Starts a run: answers what Baton asks before it (whether to trust this version, the input as it is suggested) and
 * waits until the run is shown.
 */
export async function startRun(page, { byKey = false } = {}) {
  const press = async (button) => (byKey ? await button.press("Enter") : await button.click());
  const submit = at(page, "start-run-submit");
  const trust = at(page, "trust-run");
  const status = at(page, "run-status");
  if (byKey) await page.keyboard.press("Control+Enter");
  else await at(page, "run-button").click();
  const pressed = new Set();
  await eventually(async () => {
    // The question about trust may come before the input is asked for, or after.
    for (const button of [trust, submit]) {
      if (pressed.has(button) || !(await button.isVisible())) continue;
      pressed.add(button);
      await press(button);
      break;
    }
    assert.ok(await status.isVisible(), "the run is shown");
  }, 20_000);
}

/** Waits until the run that is shown stands like this. */
export async function runStands(page, status, timeout = 60_000) {
  await at(page, "run-status").filter({ hasText: status }).waitFor({ timeout });
}

/** Tries again until it holds: for what the page does after an answer of the backend. */
export async function eventually(work, ms = 10_000) {
  const end = Date.now() + ms;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** Nothing went wrong in the page that nobody asked for. */
export function assertCalm(page, expected = []) {
  const troubles = page.troubles.filter((trouble) => !expected.some((pattern) => pattern.test(trouble)));
  assert.deepEqual(troubles, [], "the page has no errors");
}

/** Carries a command out by its name, from the list of all commands. */
export async function command(page, name) {
  await page.keyboard.press("Control+K");
  // Keys count once the field has the focus, and it gets it a moment after it is there.
  await page.waitForFunction(() => document.activeElement?.getAttribute("placeholder")?.startsWith("Search commands"));
  await page.keyboard.type(name);
  await page.keyboard.press("Enter");
}
