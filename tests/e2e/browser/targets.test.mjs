// Another Baton as a target: added, looked at, run on, watched, answered, cancelled, lost and found again.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { assertForAll } from "../lib/axe.mjs";
import { journey } from "../lib/journey.mjs";
import { textOf } from "../lib/made.mjs";
import { at, command, eventually, openFile, runStands, startRun } from "../lib/studio.mjs";
import { team } from "../lib/team.mjs";

/** Asks a person between two steps, and tells somebody at a desk. */
const orders = {
  format: 1,
  id: "orders",
  name: "Orders",
  steps: [
    { id: "collect", kind: "set_values", name: "Collect", with: { values: { sum: 42 } } },
    { id: "agree", kind: "approval", name: "Agree", with: { title: "Send the orders?", to: ["ada"], evidence: { sum: "{% steps.collect.sum %}" } } },
    { id: "send", kind: "set_values", name: "Send", with: { values: { sent: true } } },
    { id: "tell", kind: "notify", name: "Tell", with: { title: "Sent" } },
  ],
  edges: [
    { from: "collect", to: "agree" },
    { from: "agree.approved", to: "send" },
    { from: "send", to: "tell" },
  ],
  layout: { collect: [0, 0], agree: [300, 0], send: [600, 0], tell: [900, 0] },
};

const prepare = (place) => writeFileSync(place.path("orders.baton.json"), textOf(orders));
/** What a browser notes when a target is away: also at the end, when the server is stopped and its run is still shown. */
const away = [/50[0-9]/];

const chip = (page) => at(page, "run-panel").getByTestId("target-chip");
const menu = (page) => at(page, "target-menu");

async function add(page, { name, url, token }) {
  await menu(page).click();
  await at(page, "target-add").click();
  await at(page, "target-form").waitFor();
  await at(page, "target-name").fill(name);
  await at(page, "target-url").fill(url);
  await at(page, "target-secret").fill(token);
}

async function keep(page) {
  await at(page, "target-keep").click();
  await at(page, "target-form").waitFor({ state: "detached" });
}

const stateOf = (page, word) => page.locator(`[data-testid=target-menu][data-state="${word}"]`);

journey("a workflow runs on a server, and is watched, answered and stopped from here", { prepare, expected: away }, async ({ page, place }) => {
  const server = await team({ ada: ["edit", "run", "approve"] });
  try {
    const token = server.tokens.ada;
    await openFile(page, place.path("orders.baton.json"));
    await add(page, { name: "Production", url: server.url, token: "baton_guess" });
    await at(page, "target-try").click();
    await at(page, "target-findings").locator("[data-code=token][data-ok=false]").waitFor();
    await at(page, "target-secret").fill(token);
    await at(page, "target-try").click();
    await at(page, "target-works").filter({ hasText: "You answer there as ada" }).waitFor();
    await keep(page);
    await stateOf(page, "Ready").waitFor();
    assert.match(await menu(page).getAttribute("aria-label"), /Production, ready/);


    // What is otherwise there is said while drawing, and before the start.
    await at(page, "step-tell").getByTestId("target-mark").waitFor();
    await at(page, "tab-problems").click();
    await at(page, "problems-target").filter({ hasText: "On Production" }).waitFor();
    await at(page, "run-button").click();
    const trust = at(page, "trust-run");
    const warnings = at(page, "target-warnings");
    await trust.or(warnings).first().waitFor();
    if (await trust.isVisible()) await trust.click();
    await warnings.waitFor();
    assert.match(await at(page, "start-where").innerText(), /It runs on Production/);
    await at(page, "start-run-submit").click();

    await runStands(page, "Waiting");
    assert.match(await chip(page).innerText(), /Production/);
    assert.match(await at(page, "run-banner").innerText(), /Production/);
    await page.locator("[data-testid=step-collect][data-status=succeeded]").waitFor();
    await at(page, "run-step-agree").click();
    assert.match(await at(page, "reset-agree").getAttribute("title"), /cannot go back to a step/);

    await at(page, "inbox-badge").click();
    await at(page, "inbox-panel").getByText("On Production").waitFor();
    await at(page, "evidence").filter({ hasText: "42" }).waitFor();
    await at(page, "approve-agree").click();
    await at(page, "tab-run").click();
    await runStands(page, "Succeeded");
    await page.locator("[data-testid=step-send][data-status=succeeded]").waitFor();

    // Every moment of it can be looked at again.
    const slider = at(page, "run-slider").getByRole("slider");
    await slider.focus();
    await page.keyboard.press("Home");
    await page.locator("[data-testid=step-send]:not([data-status])").waitFor();
    await at(page, "run-step-forward").click();
    await page.keyboard.press("Escape");
    await at(page, "run-live").click();
    await page.locator("[data-testid=step-send][data-status=succeeded]").waitFor();

    await at(page, "run-again").click();
    await runStands(page, "Waiting");
    await at(page, "run-cancel").click();
    await at(page, "run-cancel-plain").click();
    await at(page, "answer-stop").click();
    await runStands(page, "Stopped");

    // Nothing of the server is shown as of this computer.
    await at(page, "tab-history").click();
    await at(page, "history-run-2").waitFor();
    await menu(page).click();
    await page.getByTestId("target-dropdown").getByText("This computer").click();
    await page.getByText("This workflow has not run yet").waitFor();
    assert.match(await at(page, "run-banner").innerText(), /Run 2\s+.*Production/s);
  } finally {
    await server.remove();
  }
});

journey("targets are for everybody: the form, the choice, the marks, the start and the lists", { prepare, expected: away }, async ({ page, place }) => {
  const server = await team({ ada: ["edit", "run", "approve"] });
  try {
    await openFile(page, place.path("orders.baton.json"));
    await add(page, { name: "Production", url: server.url, token: server.tokens.ada });
    await at(page, "target-try").click();
    await at(page, "target-works").waitFor();
    await assertForAll(page, "the form of a target");
    await keep(page);
    await menu(page).click();
    await at(page, "target-production").filter({ hasText: "Ready" }).waitFor();
    await assertForAll(page, "the choice of targets");
    await page.keyboard.press("Escape");
    await at(page, "tab-problems").click();
    await at(page, "problems-target").waitFor();
    await at(page, "step-tell").getByTestId("target-mark").waitFor();
    await assertForAll(page, "marks of a target");
    await startRun(page);
    await runStands(page, "Waiting");
    await at(page, "tab-history").click();
    await at(page, "history-run-1").waitFor();
    await assertForAll(page, "the history of a target");
    await command(page, "Back to editing");
    await page.keyboard.press("Control+Enter");
    await at(page, "target-warnings").waitFor();
    await assertForAll(page, "the start on a target");
  } finally {
    await server.remove();
  }
});

journey("by keyboard: a target is added, chosen, run on and removed", { prepare }, async ({ page, place }) => {
  const server = await team({ ada: ["edit", "run", "approve"] });
  try {
    const token = server.tokens.ada;
    await openFile(page, place.path("orders.baton.json"));
    await command(page, "Add a target");
    await page.waitForFunction(() => document.activeElement?.getAttribute("data-testid") === "target-name");
    await page.keyboard.type("Production");
    await page.keyboard.press("Tab");
    await page.keyboard.type(server.url);
    await page.keyboard.press("Tab");
    await page.keyboard.type(token);
    await page.keyboard.press("Enter");
    await stateOf(page, "Ready").waitFor();

    // The choice outlives the page.
    await page.waitForTimeout(300);
    await page.reload();
    await stateOf(page, "Ready").waitFor();
    await page.keyboard.press("Control+Shift+Enter");
    await at(page, "target-here").waitFor();
    await page.keyboard.press("Home");
    await page.keyboard.press("Enter");
    await eventually(async () => assert.match(await menu(page).getAttribute("aria-label"), /This computer/));
    await command(page, "Run on Production");
    await stateOf(page, "Ready").waitFor();

    await page.keyboard.press("Control+Enter");
    const submit = at(page, "start-run-submit");
    const trust = at(page, "trust-run");
    await trust.or(submit).first().waitFor();
    if (await trust.isVisible()) await trust.press("Enter");
    await submit.press("Enter");
    await runStands(page, "Waiting");
    await page.keyboard.press("Control+Shift+I");
    await at(page, "approve-agree").press("Enter");
    await page.keyboard.press("Control+Shift+R");
    await runStands(page, "Succeeded");

    await command(page, "Targets");
    await assertForAll(page, "the list of targets");
    await at(page, "target-remove-production").press("Enter");
    await at(page, "answer-remove").press("Enter");
    await page.getByText("Runs go to this computer only").waitFor();
    await page.keyboard.press("Escape");
    await eventually(async () => assert.match(await menu(page).getAttribute("aria-label"), /This computer/));
    await page.getByText(/no longer kept: runs go to this computer again/).first().waitFor();
  } finally {
    await server.remove();
  }
});

journey("a server that goes away is said within seconds, and what was interrupted goes on", { prepare, expected: away }, async ({ page, place }) => {
  const server = await team({ ada: ["edit", "run", "approve"] });
  try {
    const token = server.tokens.ada;
    await openFile(page, place.path("orders.baton.json"));
    await add(page, { name: "Production", url: server.url, token });
    await keep(page);
    await startRun(page);
    await runStands(page, "Waiting");

    await server.stop();
    const gone = Date.now();
    await at(page, "run-interrupted").filter({ hasText: "target-unreachable" }).waitFor();
    await stateOf(page, "Not reachable").waitFor();
    assert.ok(Date.now() - gone < 15_000, `said after ${Date.now() - gone} ms`);
    await assertForAll(page, "a run that is interrupted");
    await at(page, "tab-history").click();
    await at(page, "history-panel").getByRole("button", { name: "Try again" }).waitFor();

    // This computer is as usable as ever.
    await at(page, "run-banner").getByRole("button", { name: "Back to editing" }).click();
    await menu(page).click();
    await page.getByTestId("target-dropdown").getByText("This computer").click();
    await startRun(page);
    await runStands(page, "Waiting");
    assert.equal(await chip(page).count(), 0);

    await menu(page).click();
    await page.getByTestId("target-production").click();
    await at(page, "tab-history").click();
    await at(page, "history-panel").getByText("target-unreachable").waitFor();
    await server.start();
    await stateOf(page, "Ready").waitFor({ timeout: 20_000 });
    await at(page, "history-run-1").click();
    await runStands(page, "Waiting");
    await at(page, "inbox-badge").click();
    await at(page, "approve-agree").click();
    await at(page, "tab-run").click();
    await runStands(page, "Succeeded");
  } finally {
    await server.remove();
  }
});
