// A Temporal cluster as a target of the studio: chosen, without a worker, with one, answered, and gone back to a step.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assertForAll } from "../e2e/lib/axe.mjs";
import { journey } from "../e2e/lib/journey.mjs";
import { textOf } from "../e2e/lib/made.mjs";
import { at, openFile, runStands, startRun } from "../e2e/lib/studio.mjs";
import { startCluster, startWorker } from "./lib/cluster.mjs";

const orders = {
  format: 1,
  id: "orders",
  name: "Orders",
  steps: [
    { id: "collect", kind: "set_values", name: "Collect", with: { values: { sum: 42 } } },
    { id: "save", kind: "write_table", name: "Save", with: { table: "{% [{'sum': steps.collect.sum}] %}", path: "orders.csv" } },
    { id: "agree", kind: "approval", name: "Agree", with: { title: "Send the orders?", to: ["ada"], evidence: { sum: "{% steps.collect.sum %}" } } },
    { id: "send", kind: "set_values", name: "Send", with: { values: { sent: true } } },
  ],
  edges: [
    { from: "collect", to: "save" },
    { from: "save", to: "agree" },
    { from: "agree.approved", to: "send" },
  ],
  layout: { collect: [0, 0], save: [300, 0], agree: [600, 0], send: [900, 0] },
};

const prepare = (place) => writeFileSync(place.path("orders.baton.json"), textOf(orders));

journey("a run on a cluster waits for a worker, is answered, and goes back to a step", { prepare, expected: [/50[0-9]/] }, async ({ page, place }) => {
  const there = await startCluster();
  const blobs = join(place.folder, "blobs");
  mkdirSync(blobs);
  let worker;
  try {
    await openFile(page, place.path("orders.baton.json"));
    await at(page, "target-menu").click();
    await at(page, "target-add").click();
    await page.getByText("Temporal cluster", { exact: true }).click();
    await at(page, "target-name").fill("Cluster");
    await at(page, "target-address").fill(there.address);
    await at(page, "target-more").click();
    await at(page, "target-blobs").fill(blobs);
    await at(page, "target-try").click();
    await at(page, "target-works").waitFor();
    await at(page, "target-findings").locator("[data-code=no-worker][data-ok=false]").waitFor();
    await assertForAll(page, "the form of a cluster");
    await at(page, "target-keep").click();
    await page.locator('[data-testid=target-menu][data-state="No worker"]').waitFor();

    // Nobody works: that is said, with what to type.
    await startRun(page);
    const started = Date.now();
    await at(page, "no-worker").waitFor();
    assert.ok(Date.now() - started < 10_000, `said after ${Date.now() - started} ms`);
    assert.match(await at(page, "worker-command").innerText(), new RegExp(`^baton worker --temporal ${there.address} --namespace default --task-queue baton --blobs `));
    await assertForAll(page, "a run without a worker");

    worker = await startWorker(place, there, { queue: "baton", blobs, work: place.workspace });
    await runStands(page, "Waiting");
    await at(page, "no-worker").waitFor({ state: "detached" });
    await page.locator("[data-testid=step-save][data-status=succeeded]").waitFor();

    await at(page, "inbox-badge").click();
    await at(page, "inbox-panel").getByText("On Cluster").waitFor();
    await at(page, "evidence").filter({ hasText: "42" }).waitFor();
    await at(page, "approve-agree").click();
    await at(page, "tab-run").click();
    await runStands(page, "Succeeded");

    // Back to a step: what was finished before it stays, what follows is asked again.
    await at(page, "run-step-save").click();
    await at(page, "reset-save").click();
    const dialog = at(page, "reset-dialog");
    await dialog.filter({ hasText: "These stay done" }).waitFor();
    assert.match(await dialog.innerText(), /These run again:\s+Save\s+Agree\s+Send\s+These stay done, with their results:\s+Collect/);
    await assertForAll(page, "going back to a step");
    await at(page, "reset-reason").fill("the sum was wrong");
    await at(page, "reset-confirm").click();
    await runStands(page, "Waiting");
    await page.locator("[data-testid=step-collect][data-status=succeeded]").waitFor();
    await page.locator("[data-testid=step-agree][data-status=waiting]").waitFor();
    await at(page, "inbox-badge").click();
    await at(page, "approve-agree").click();
    await at(page, "tab-run").click();
    await runStands(page, "Succeeded");

    // Every moment of it can be looked at.
    await at(page, "run-slider").getByRole("slider").focus();
    await page.keyboard.press("Home");
    await page.locator("[data-testid=step-send]:not([data-status])").waitFor();
    await at(page, "run-live").click();
    await at(page, "tab-history").click();
    await at(page, "history-panel").getByText("Succeeded").first().waitFor();
  } finally {
    await worker?.kill();
    await there.stop();
  }
});
