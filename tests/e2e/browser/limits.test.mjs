// What would use too much stands still and goes on when a person allows more; what ends Baton is set aside.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { assertForAll } from "../lib/axe.mjs";
import { journey } from "../lib/journey.mjs";
import { at, command, eventually, openFile, runStands, startRun } from "../lib/studio.mjs";

const document = (id, steps, more = {}) =>
  JSON.stringify({ format: 1, id, name: id, steps, edges: [], layout: {}, ...more });

const endless = document(
  "endless",
  [
    {
      id: "again",
      kind: "repeat",
      name: "Again and again",
      with: { until: "false", max: 1_000_000 },
      body: { steps: [{ id: "pass", kind: "merge" }], edges: [] },
    },
  ],
  { limits: { iterations: 40 } },
);

journey(
  "a loop without an end stands still, says so, and goes on where it was",
  { prepare: (place) => writeFileSync(place.path("endless.baton.json"), endless) },
  async ({ page, place }) => {
    await openFile(page, place.path("endless.baton.json"));
    await startRun(page);
    await runStands(page, "Paused");
    const stop = at(page, "run-stop");
    await stop.filter({ hasText: "A loop at again needs 41 iterations, and 40 iterations are allowed." }).waitFor();
    await assertForAll(page, "a run that used a budget up");
    await at(page, "raise-limit").fill("55");
    await at(page, "raise-and-go-on").click();
    await stop.filter({ hasText: "needs 56 iterations" }).waitFor();
  },
);

journey("limits are set by keyboard and kept", async ({ page }) => {
  await at(page, "start-page").waitFor();
  const open = async () => {
    await command(page, "Limits");
    await at(page, "limits-dialog").waitFor();
  };
  await open();
  await at(page, "budget-steps").fill("500");
  await at(page, "limits-resource-name").fill("erp");
  await page.keyboard.press("Enter");
  await at(page, "limits-save").press("Enter");
  await at(page, "limits-dialog").waitFor({ state: "detached" });
  await open();
  assert.equal(await at(page, "budget-steps").inputValue(), "500");
  await page.keyboard.press("Escape");
  await at(page, "limits-dialog").waitFor({ state: "detached" });
});

let asked = () => {};
const poison = createServer((request, response) => {
  asked();
  request.socket.on("error", () => {});
  response.on("error", () => {});
});
await new Promise((ready) => poison.listen(0, "127.0.0.1", ready));
poison.unref();
const url = `http://127.0.0.1:${poison.address().port}/`;

journey(
  "a run that ends Baton again and again is set aside, and a person decides",
  {
    prepare: (place) =>
      writeFileSync(
        place.path("poison.baton.json"),
        document("poison", [{ id: "ask", kind: "http_request", name: "Ask", with: { method: "GET", url } }]),
      ),
    expected: [/./],
  },
  async ({ page, place, running, restart }) => {
    const killed = async (begin) => {
      const request = new Promise((resolve) => {
        asked = resolve;
      });
      await begin();
      await request;
      await running.server.kill();
    };
    await openFile(page, place.path("poison.baton.json"));
    await killed(async () => await startRun(page).catch(() => {}));
    await killed(restart);
    await killed(restart);
    const after = await restart();
    await at(after, "safe-mode-banner").filter({ hasText: "one run is set aside" }).waitFor();
    await at(after, "safe-mode-details").click();
    const aside = at(after, "aside-1");
    await aside.filter({ hasText: "Baton ended unexpectedly while it took this run up" }).waitFor();
    await assertForAll(after, "safe mode");
    await aside.getByRole("button", { name: "Stop it" }).click();
    await after.getByRole("button", { name: "Stop the run" }).click();
    await aside.waitFor({ state: "detached" });
    await after.keyboard.press("Escape");
    await at(after, "safe-mode-leave").click();
    await at(after, "safe-mode-banner").waitFor({ state: "detached" });
    await eventually(async () => assert.equal(await at(after, "safe-mode-banner").count(), 0));
  },
);

journey(
  "an order whose outcome nobody knows is asked about, and a person says what became of it",
  {
    prepare: (place) =>
      writeFileSync(
        place.path("order.baton.json"),
        document("order", [{ id: "order", kind: "http_request", name: "Place the order", with: { method: "POST", url, body: { item: 7 } } }]),
      ),
    expected: [/./],
  },
  async ({ page, place, running, restart }) => {
    await openFile(page, place.path("order.baton.json"));
    const request = new Promise((resolve) => {
      asked = resolve;
    });
    await startRun(page).catch(() => {});
    await request;
    await running.server.kill();
    const after = await restart();
    await at(after, "recent-file").first().click();
    await at(after, "inbox-badge").click();
    await after.getByText("Was “Place the order” carried out?").waitFor();
    await assertForAll(after, "a question about an outcome");
    // However long the evidence is, the answers are in sight.
    const panel = await at(after, "inbox-panel").boundingBox();
    const answer = await at(after, "settle-not-done-order").boundingBox();
    assert.ok(answer.y + answer.height <= panel.y + panel.height + 1, "the answers are in sight");
    await at(after, "settle-not-done-order").click();
    await after.getByText("Nothing to decide").waitFor();
    await at(after, "tab-history").click();
    await at(after, "history-run-1").filter({ hasText: "Failed" }).waitFor();
  },
);
