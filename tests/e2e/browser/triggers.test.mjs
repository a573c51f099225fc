// What starts without a person: a schedule, a file that lands, a request from outside; and inputs that are kept.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { assertForAll } from "../lib/axe.mjs";
import { journey } from "../lib/journey.mjs";
import { textOf } from "../lib/made.mjs";
import { readSample } from "../lib/samples.mjs";
import { at, command, canvasOf, eventually, fillField, openFile, openSample, runStands } from "../lib/studio.mjs";

const airports = readSample("airports");
// Asking whether to trust a changed version is an answer of 403.
const expected = [/403/];

const workflow = (id, name, more) => ({
  format: 1,
  id,
  name,
  steps: [{ id: "note", kind: "set_values", name: "Note it", with: { values: { seen: "{% input %}" } } }],
  edges: [],
  layout: {},
  ...more,
});

/** Opens the part of the inspector about triggers; nothing is selected then. */
async function showTriggers(page) {
  const section = at(page, "section-triggers");
  await section.waitFor();
  const head = section.locator("button[aria-expanded]").first();
  if ((await head.getAttribute("aria-expanded")) === "false") await head.click();
  return section;
}

/** Presses *Activate* and answers what Baton asks before it. */
async function activate(page) {
  await at(page, "triggers-panel").getByTestId("activate-triggers").click();
  const save = at(page, "answer-save");
  const trust = at(page, "trust-run");
  const isActive = page.getByText(/^Revision \d+ is active/).last();
  const pressed = new Set();
  await eventually(async () => {
    for (const button of [save, trust]) {
      if (pressed.has(button) || !(await button.isVisible())) continue;
      pressed.add(button);
      await button.click();
    }
    assert.ok(await isActive.isVisible(), "the triggers are active");
  }, 20_000);
}

journey("a schedule is added, looked at, activated, and rests while it is paused", { expected }, async ({ page }) => {
  await openSample(page, airports.id);
  await showTriggers(page);
  await at(page, "add-trigger").click();
  await at(page, "add-trigger-schedule").click();
  await fillField(page, "cron", "0 6 * * 1-5");
  await fillField(page, "timeZone", "Europe/Berlin");
  const preview = at(page, "schedule-preview");
  await preview.getByText("Every weekday at 06:00 in Europe/Berlin").waitFor();
  const starts = preview.getByRole("listitem");
  await eventually(async () => assert.equal(await starts.count(), 10));
  for (const start of await starts.allTextContents()) {
    assert.match(start, /^(Mon|Tue|Wed|Thu|Fri) \d{4}-\d{2}-\d{2} 06:00\s*\+0[12]:00/, "weekday, time and offset");
  }
  await assertForAll(page, "the form of a schedule");

  // A date that never comes is said at once.
  await fillField(page, "cron", "0 0 30 2 *");
  await preview.getByText("Known once the schedule is complete.").waitFor();
  await at(page, "field-cron").getByText(/never/).waitFor();

  // Every two seconds is quick enough to look at.
  await page.getByText("Interval", { exact: true }).click();
  await fillField(page, "every", "2s");
  await eventually(async () => assert.equal(await starts.count(), 10));
  await at(page, "tab-triggers").click();
  await at(page, "triggers-panel").getByText(/Not active/).waitFor();
  await activate(page);
  const row = at(page, `trigger-${airports.id}-schedule`);
  await row.filter({ hasText: "Active" }).waitFor();
  await at(page, "activation").first().getByText(/Revision 1/i).waitFor();

  // The first run waits for an approval, so what comes while it does is left out, and says so.
  await row.getByRole("button", { expanded: false }).first().click();
  await row.getByText("Started").first().waitFor();
  await row.getByText(/Skipped/).first().waitFor();
  await assertForAll(page, "the triggers of a workflow");

  await at(page, "trigger-pause-schedule").click();
  await row.filter({ hasText: "Paused by me" }).waitFor();
  const paused = Date.now();

  await page.getByRole("button", { name: "Start page" }).click();
  const byItself = at(page, "by-itself");
  await byItself.filter({ hasText: "Paused" }).waitFor();
  await byItself.getByText(airports.name).waitFor();
  await assertForAll(page, "the start page with a trigger");

  // What the clock passed in the meantime is told once it acts again, with the reason.
  await byItself.getByRole("button", { name: airports.name }).click();
  await canvasOf(page).waitFor();
  await row.waitFor();
  await eventually(() => assert.ok(Date.now() > paused + 2_500, "an instant has passed"));
  await at(page, "trigger-pause-schedule").click();
  await row.getByRole("button", { expanded: false }).first().click();
  await row.getByText("The trigger was paused").first().waitFor();
});

journey(
  "a file that lands starts a run, and the history says so",
  {
    expected,
    prepare(place) {
      mkdirSync(place.path("inbox"), { recursive: true });
      const landed = {
        id: "landed",
        kind: "file",
        folder: "inbox",
        pattern: "*.csv",
        stableFor: "0s",
        input: { file: "{% trigger.payload.name %}" },
      };
      writeFileSync(place.path("files.baton.json"), textOf(workflow("files", "Take in files", { triggers: [landed] })));
    },
  },
  async ({ page, place }) => {
    await openFile(page, place.path("files.baton.json"));
    await at(page, "tab-triggers").click();
    await activate(page);
    const row = at(page, "trigger-files-landed");
    await row.filter({ hasText: "Active" }).waitFor();
    await row.getByText("never fired").waitFor();
    await eventually(async () => {
      // A folder is watched a moment after the activation; what is there before that counts as old.
      assert.match(await row.textContent(), /Active/);
    });
    writeFileSync(place.path("stores.part"), "store,sales\n1,20\n");
    renameSync(place.path("stores.part"), place.path("inbox", "stores.csv"));
    await row.filter({ hasText: /started/i }).waitFor({ timeout: 30_000 });
    await at(page, "tab-history").click();
    const run = at(page, "history-run-1");
    await run.filter({ hasText: "Succeeded" }).filter({ hasText: "landed" }).waitFor();
    await assertForAll(page, "the history with a run that started by itself");
    await run.click();
    await runStands(page, "Succeeded");
    await at(page, "run-panel").getByTestId("run-cause").filter({ hasText: "landed" }).waitFor();
    await at(page, "run-step-note").click();
    await at(page, "run-panel").getByText("stores.csv").first().waitFor();
    await assertForAll(page, "a run that started by itself");
  },
);

const secret = "a secret that both sides know";

/** A request as a sender makes it who knows `key`. */
async function send(url, body, key = secret) {
  const time = String(Math.floor(Date.now() / 1_000));
  const signature = createHmac("sha256", key).update(`${time}.${body}`).digest("hex");
  const headers = {
    // The server ends connections that rest, perhaps just when this one is used again.
    connection: "close",
    "content-type": "application/json",
    "x-baton-timestamp": time,
    "x-baton-signature": signature,
  };
  const response = await fetch(url, { method: "POST", body, headers });
  return { status: response.status, answer: await response.json() };
}

journey(
  "webhooks are switched on in the page; a signed request starts a run, a wrong one is refused",
  {
    expected,
    prepare(place) {
      place.env.BATON_SECRET_SHOP_HOOK = secret;
      const order = {
        id: "order",
        kind: "webhook",
        path: "orders",
        secret: "shop-hook",
        input: { order: "{% trigger.payload.body.id %}" },
      };
      writeFileSync(place.path("orders.baton.json"), textOf(workflow("orders", "Take orders", { triggers: [order] })));
    },
  },
  async ({ page, place }) => {
    await openFile(page, place.path("orders.baton.json"));
    const section = await showTriggers(page);
    await section.getByRole("button", { name: /order/, expanded: false }).click();
    await at(page, "hint-url").filter({ hasText: "http://127.0.0.1:8787/hooks/orders" }).waitFor();
    await at(page, "webhook-hint").getByText("Webhooks are switched off on this machine").waitFor();
    await assertForAll(page, "the form of a webhook");
    await at(page, "tab-triggers").click();
    await activate(page);
    await at(page, "trigger-orders-order").getByText(/switched off/).waitFor();

    // Another program has the port: that is said, and it is taken as soon as it is free.
    const other = createServer().listen(0, "127.0.0.1").unref();
    await once(other, "listening");
    const { port } = other.address();
    await at(page, "hint-switch-on").click();
    await at(page, "webhook-state").filter({ hasText: "Off" }).waitFor();
    await at(page, "webhook-port").fill(String(port));
    await at(page, "webhook-port-keep").click();
    await at(page, "webhook-port-keep").and(page.locator(":disabled")).waitFor();
    await at(page, "webhook-switch").click();
    await at(page, "webhook-state").filter({ hasText: "another program uses that port" }).waitFor();
    await at(page, "webhook-next-port").filter({ hasText: String(port + 1) }).waitFor();
    await assertForAll(page, "webhooks whose port is taken");
    other.close();
    await at(page, "webhook-state").filter({ hasText: "Listening" }).waitFor({ timeout: 20_000 });
    const hook = at(page, "hook-orders-order");
    const url = await hook.getByTestId("hook-url").textContent();
    assert.equal(url, `http://127.0.0.1:${port}/hooks/orders`);
    await hook.getByTestId("hook-curl-open").click();
    await hook.getByTestId("hook-curl").filter({ hasText: "BATON_SECRET_SHOP_HOOK" }).waitFor();
    await assertForAll(page, "webhooks that listen");

    const wrong = await send(url, '{"id":6}', "guessed");
    assert.equal(wrong.status, 401);
    assert.equal(wrong.answer.code, "webhook-signature");
    await hook.getByTestId("refused-webhook-signature").filter({ hasText: "Refused once" }).waitFor();
    const right = await send(url, '{"id":7}');
    assert.equal(right.status, 202);
    await hook.getByTestId("hook-accepted").filter({ hasText: "Taken once" }).waitFor();

    await page.keyboard.press("Escape");
    await at(page, "webhooks-dialog").waitFor({ state: "detached" });
    await at(page, "webhook-chip").filter({ hasText: String(port) }).waitFor();
    await at(page, "webhook-hint").getByText("switched off").waitFor({ state: "detached" });
    await at(page, "tab-history").click();
    await at(page, "history-run-1").filter({ hasText: "Succeeded" }).filter({ hasText: "order" }).click();
    await at(page, "run-step-note").click();
    await at(page, "run-panel").getByText("7", { exact: true }).first().waitFor();

    // Off again, by keyboard: the address is gone.
    await command(page, "Webhooks");
    await at(page, "webhook-switch").focus();
    await page.keyboard.press("Space");
    await at(page, "webhook-state").filter({ hasText: "Off" }).waitFor();
    await assert.rejects(send(url, '{"id":8}'), "nobody listens");
  },
);

journey(
  "an input is kept and used again",
  {
    expected,
    prepare(place) {
      const input = { type: "object", properties: { month: { type: "string", title: "Month" } }, required: ["month"] };
      const triggers = [{ id: "month_end", kind: "manual" }];
      writeFileSync(place.path("monthly.baton.json"), textOf(workflow("monthly", "Close a month", { input, triggers })));
    },
  },
  async ({ page, place }) => {
    await openFile(page, place.path("monthly.baton.json"));
    const trust = at(page, "trust-run");
    const dialog = at(page, "start-run-dialog");
    const ask = async () => {
      await at(page, "run-button").click();
      await trust.or(dialog).first().waitFor();
      if (await trust.isVisible()) await trust.click();
      await dialog.waitFor();
    };
    await ask();
    await dialog.getByLabel(/Month/).fill("October");
    await at(page, "keep-input").click();
    await page.getByLabel("Name", { exact: true }).fill("The last one");
    await page.getByRole("button", { name: "Keep", exact: true }).click();
    await at(page, "saved-inputs").and(page.locator("[value='The last one']")).waitFor();
    await assertForAll(page, "an input that is kept");
    await at(page, "start-run-submit").click();
    await runStands(page, "Succeeded");
    await at(page, "run-close").click();

    await ask();
    await dialog.getByLabel(/Month/).fill("something else");
    await at(page, "saved-inputs").click();
    await page.getByRole("option", { name: "The last one" }).click();
    assert.equal(await dialog.getByLabel(/Month/).inputValue(), "October");
    await at(page, "start-run-submit").click();
    await at(page, "run-panel").getByText("Run 2", { exact: true }).waitFor();
    await runStands(page, "Succeeded");
    await at(page, "run-step-note").click();
    await at(page, "run-panel").getByText("October").first().waitFor();
    await at(page, "run-close").click();

    // The same from the list of triggers.
    await at(page, "tab-triggers").click();
    await activate(page);
    await at(page, "trigger-menu-month_end").click();
    await page.getByRole("menuitem", { name: "Fire with “The last one”" }).click();
    await at(page, "tab-history").click();
    await at(page, "history-run-3").filter({ hasText: "Succeeded" }).filter({ hasText: "month_end" }).waitFor();
    assert.ok(await canvasOf(page).isVisible());
  },
);

const each = workflow("each", "Three stores", {
  steps: [
    {
      id: "each",
      kind: "for_each",
      name: "Each store",
      with: { items: "{% ['north', 'south', 'west'] %}" },
      body: {
        steps: [{ id: "sum", kind: "set_values", name: "Add up", with: { values: { store: "{% item %}" } } }],
        edges: [],
      },
    },
  ],
});

journey(
  "the panel of a run works for everybody, item by item",
  { expected, prepare: (place) => writeFileSync(place.path("each.baton.json"), textOf(each)) },
  async ({ page, place }) => {
    await openFile(page, place.path("each.baton.json"));
    await at(page, "run-button").click();
    await eventually(async () => {
      if (await at(page, "trust-run").isVisible()) await at(page, "trust-run").click();
      assert.ok(await at(page, "run-status").isVisible());
    });
    await runStands(page, "Succeeded");
    await at(page, "body-each").waitFor();
    await assertForAll(page, "a run with items");
    await at(page, "run-step-each").click();
    await page.keyboard.press("ArrowDown");
    await page.locator("[data-row]:focus").filter({ hasText: "Add up" }).waitFor();
    for (const name of ["Events", "Timeline"]) {
      await at(page, "run-panel").getByRole("tab", { name }).click();
      await assertForAll(page, `a run with items, ${name}`);
    }
  },
);
