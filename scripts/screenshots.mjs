// `npm run screenshots`: the pictures in docs/images, from the real window and from the browser, in light and dark.
// Not part of the tests: a picture differs a little on every machine.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { launch, openPage } from "../tests/e2e/lib/browser.mjs";
import { makePlace } from "../tests/e2e/lib/place.mjs";
import { readSample } from "../tests/e2e/lib/samples.mjs";
import { serve } from "../tests/e2e/lib/serve.mjs";
import { at, openFile, openSample, runStands, startRun } from "../tests/e2e/lib/studio.mjs";
import { team } from "../tests/e2e/lib/team.mjs";
import { openWindow } from "../tests/e2e/lib/webdriver.mjs";
import { build } from "./lib/cargo.mjs";
import { buildInterface } from "./lib/packages.mjs";
import { inProject } from "./lib/paths.mjs";
import { main, say, steps } from "./lib/terminal.mjs";
import { setup } from "./setup.mjs";

const airports = readSample("airports");
const approval = airports.ofKind("approval");
const gate = airports.ofKind("quality_gate");

function keep(name, png) {
  const folder = inProject("docs/images");
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/${name}.png`, png);
  say(`    docs/images/${name}.png`);
}

/** The pointer goes where nothing answers to it. */
const rest = (page) => page.mouse.move(2, 450);

/** The window after a run: canvas, states, the table of a step. */
async function pictureOfWindow() {
  const place = makePlace();
  const window = await openWindow(place);
  try {
    await window.click(`sample-${airports.id}`);
    await window.find(`step-${gate}`);
    await window.startRun();
    await window.until("the question", async () => (await window.text("run-status")).includes("Waiting"), 60_000);
    await window.click("inbox-badge");
    await window.click(`approve-${approval}`);
    await window.click("tab-run");
    await window.until("the end", async () => (await window.text("run-status")).includes("Succeeded"), 60_000);
    await window.click("run-step-by_state");
    await window.find("data-table");
    await window.rest();
    // The message that comes also goes.
    await new Promise((resolve) => setTimeout(resolve, 10_000));
    keep("window-light", await window.screenshot());
    await window.click("theme-toggle");
    await window.rest();
    await new Promise((resolve) => setTimeout(resolve, 8_000));
    keep("window-dark", await window.screenshot());
  } finally {
    await window.quit();
    place.remove();
  }
}

async function picturesOfBrowser() {
  const place = makePlace();
  const browser = await launch();
  const server = await serve(place);
  try {
    const page = await openPage(browser, server.address);
    await at(page, `sample-${airports.id}`).waitFor();
    await page.waitForTimeout(800);
    keep("start-page", await page.screenshot());
    await openSample(page, airports.id);
    await at(page, `step-${gate}`).click();
    await at(page, "tab-problems").click();
    await page.waitForTimeout(800);
    keep("editing", await page.screenshot());
    await startRun(page);
    await runStands(page, "Waiting");
    await at(page, "inbox-badge").click();
    await rest(page);
    await page.waitForTimeout(6_000);
    keep("approval", await page.screenshot());
    await at(page, "theme-toggle").click();
    await rest(page);
    await page.waitForTimeout(8_000);
    keep("approval-dark", await page.screenshot());
  } finally {
    await browser.close();
    await server.stop();
    place.remove();
  }
}

/** A hook that the sample about customers could have. */
const orders = {
  format: 1,
  id: "orders",
  name: "Take in an order",
  triggers: [{ id: "order", kind: "webhook", path: "orders", secret: "shop-hook", input: { order: "{% trigger.payload.body %}" } }],
  steps: [{ id: "note", kind: "set_values", name: "Note the order", with: { values: { order: "{% input.order %}" } } }],
  edges: [],
  layout: {},
};

async function activate(page) {
  // The panel stays open from one workflow to the next.
  if (!(await at(page, "triggers-panel").isVisible())) await at(page, "tab-triggers").click();
  await at(page, "triggers-panel").getByTestId("activate-triggers").click();
  const isActive = page.getByText(/^Revision \d+ is active/).last();
  const trust = at(page, "trust-run");
  await trust.or(isActive).first().waitFor();
  if (await trust.isVisible()) await trust.click();
  await isActive.waitFor();
}

/** What starts by itself: the form of a schedule with its next starts, the list of triggers, the webhooks. */
async function picturesOfTriggers() {
  const place = makePlace();
  place.env.BATON_SECRET_SHOP_HOOK = "known to the shop and to Baton";
  writeFileSync(place.path("orders.baton.json"), `${JSON.stringify(orders, null, 2)}\n`);
  const browser = await launch();
  const server = await serve(place);
  try {
    const page = await openPage(browser, server.address);
    await openFile(page, place.path("orders.baton.json"));
    await activate(page);
    await at(page, "webhook-chip").click();
    await at(page, "webhook-switch").click();
    await at(page, "webhook-state").filter({ hasText: "Listening" }).waitFor();
    await at(page, "hook-curl-open").first().click();
    await page.waitForTimeout(5_000);
    keep("webhooks", await page.screenshot());
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Start page" }).click();

    await openSample(page, "churn_retention");
    await activate(page);
    await at(page, "trigger-menu-careful").click();
    await page.getByRole("menuitem", { name: "Fire now" }).click();
    const careful = at(page, "trigger-churn_retention-careful");
    await careful.filter({ hasText: /started/i }).waitFor();
    await careful.getByRole("button", { expanded: false }).first().click();
    const section = at(page, "section-triggers");
    const schedule = section.getByRole("button", { name: /workdays/, expanded: false });
    await schedule.click();
    await at(page, "schedule-preview").scrollIntoViewIfNeeded();
    await rest(page);
    await page.waitForTimeout(5_000);
    keep("triggers", await page.screenshot());
    await at(page, "theme-toggle").click();
    await rest(page);
    await page.waitForTimeout(5_000);
    keep("triggers-dark", await page.screenshot());
  } finally {
    await browser.close();
    await server.stop();
    place.remove();
  }
}

/** A run on a server: the selector with how each target stands, and the form of one. */
async function picturesOfTargets() {
  const place = makePlace();
  const server = await team({ ada: ["edit", "run", "approve"] });
  // What the workflow reads is found in the workspace folder of the server.
  cpSync(server.place.workflows, server.place.workspace, { recursive: true });
  const browser = await launch();
  const studio = await serve(place);
  try {
    const page = await openPage(browser, studio.address);
    await openSample(page, airports.id);
    const add = async (name, url) => {
      await at(page, "target-menu").click();
      await at(page, "target-add").click();
      await at(page, "target-name").fill(name);
      await at(page, "target-url").fill(url);
      await at(page, "target-secret").fill(server.tokens.ada);
    };
    // A port that nobody listens on.
    await add("Old server", "http://127.0.0.1:9");
    await at(page, "target-keep").click();
    await at(page, "target-form").waitFor({ state: "detached" });
    await add("Production", server.url);
    await at(page, "target-try").click();
    await at(page, "target-works").waitFor();
    await page.waitForTimeout(5_000);
    keep("target-form", await page.screenshot());
    await at(page, "target-keep").click();
    await at(page, "target-form").waitFor({ state: "detached" });
    await startRun(page);
    await runStands(page, "Waiting");
    await at(page, "target-menu").click();
    await at(page, "target-old-server").filter({ hasText: "Not reachable" }).waitFor();
    await page.waitForTimeout(6_000);
    keep("targets", await page.screenshot());
    await page.keyboard.press("Escape");
    await at(page, "theme-toggle").click();
    await at(page, "target-menu").click();
    await page.waitForTimeout(6_000);
    keep("targets-dark", await page.screenshot());
  } finally {
    await browser.close();
    await studio.stop();
    await server.remove();
    place.remove();
  }
}

await main(async () => {
  // The window talks to one that is open already; a session bus of its own keeps them apart.
  if (process.platform === "linux" && !process.env.BATON_OWN_BUS) {
    const again = spawnSync("dbus-run-session", ["--", process.execPath, ...process.argv.slice(1)], {
      stdio: "inherit",
      env: { ...process.env, BATON_OWN_BUS: "1" },
    });
    return again.status ?? 1;
  }
  const step = steps(6);
  await step("Look for what is needed", () => setup(["compile", "window", "test"]));
  await step("Build", async () => {
    if (process.env.BATON_BIN && process.env.BATON_DESKTOP_BIN) return "programs are given";
    await buildInterface();
    await build();
    return "built";
  });
  await step("The window", pictureOfWindow);
  await step("The browser", picturesOfBrowser);
  await step("What starts by itself", picturesOfTriggers);
  await step("A run on a server", picturesOfTargets);
});
