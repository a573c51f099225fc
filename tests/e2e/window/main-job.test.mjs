// The main job in the real window: the same as in the browser, through WebKit and Tauri.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { makePlace } from "../lib/place.mjs";
import { readSample } from "../lib/samples.mjs";
import { openWindow } from "../lib/webdriver.mjs";

const airports = readSample("airports");
const approval = airports.ofKind("approval");
const read = airports.ofKind("read_table");

/** Keeps what goes wrong in the page, so that a journey can ask for it. */
const listen = `
  window.troubles ??= [];
  window.addEventListener("error", (event) => window.troubles.push(String(event.error ?? event.message)));
  window.addEventListener("unhandledrejection", (event) => window.troubles.push(String(event.reason)));
  window.addEventListener("securitypolicyviolation", (event) => window.troubles.push("blocked by the policy: " + event.violatedDirective + " " + event.blockedURI));
`;

const stands = (window, status) =>
  window.until(`a run that is \`${status}\``, async () => (await window.text("run-status")).includes(status), 60_000);

const shown = (window) =>
  window.run("return [...document.querySelectorAll('[data-testid=canvas][role=application] [data-step]')].map((card) => card.dataset.step)");

const stepStands = (window, step, status) =>
  window.until(`\`${step}\` ${status}`, () =>
    window.run("return document.querySelector(arguments[0])?.dataset.status === arguments[1]", `[data-testid="step-${step}"]`, status),
  );

async function typeInto(window, id, text) {
  await window.until(`a field in \`${id}\``, () =>
    window.run(
      "const field = document.querySelector(arguments[0])?.querySelector('textarea:not([aria-hidden]), input:not([type=radio]), [contenteditable=true]'); field?.focus(); return field !== null && field === document.activeElement;",
      `[data-testid="${id}"]`,
    ),
  );
  await window.type(text);
  await window.run("document.activeElement.blur()");
}

test("the main job in the window", { timeout: 240_000 }, async () => {
  const place = makePlace();
  let window = await openWindow(place);
  try {
    await window.find("start-page");
    await window.run(listen);
    await window.click(`sample-${airports.id}`);
    await window.find(`step-${read}`);

    // A step from the palette, wired to the first one and filled in.
    await window.click("tab-problems");
    await window.find("problems-panel");
    const before = await shown(window);
    const canvas = await window.run(
      "const box = document.querySelector('[data-testid=canvas][role=application]').getBoundingClientRect(); return { x: box.left + box.width / 2, y: box.bottom - 90 };",
    );
    await window.drag(await window.centre("palette-item-log"), { x: Math.round(canvas.x), y: Math.round(canvas.y) });
    const log = await window.until("a new step", async () => (await shown(window)).find((id) => !before.includes(id)));
    await window.find("problem-missing-setting");
    await window.drag(await window.centre(`handle-${read}-out`), await window.centre(`handle-${log}-in`));
    await window.click(`step-${log}`);
    await typeInto(window, "field-message", "Airports are there");
    await window.until("no missing field", async () => !(await window.has("problem-missing-setting")));

    // Run, decide, look.
    await window.startRun();
    await stands(window, "Waiting");
    await window.click("inbox-badge");
    await window.click(`approve-${approval}`);
    await window.click("tab-run");
    await stands(window, "Succeeded");
    assert.ok(existsSync(place.path("workflows", "out", "airports.parquet")), "the table was written");
    await window.click(`run-step-${read}`);
    await window.find("data-table");

    // The run from its history, at its first event and at its last.
    await window.click("run-close");
    await window.click("tab-history");
    await window.click("history-run-1");
    await window.find("run-slider");
    await window.run("document.querySelector('[data-testid=run-slider] [role=slider]').focus()");
    await window.keys("\uE011");
    await window.until("the first event", () => window.run("return /event 1 of/.test(document.body.textContent)"));
    await window.keys("\uE010");
    await stepStands(window, approval, "succeeded");
    await window.click("run-close");

    // Saved, ended, opened again by name: everything is there.
    await window.click("save-button");
    await window.until("the file", () => readFileSync(place.path("workflows", "airports.baton.json"), "utf8").includes(`"${log}"`));
    assert.deepEqual(await window.run("return window.troubles"), [], "nothing went wrong in the page");
    await window.quit();

    window = await openWindow(place, { file: "workflows/airports.baton.json" });
    await window.find(`step-${log}`);
    await window.click("tab-history");
    await window.until("the run", async () => (await window.text("history-run-1")).includes("Succeeded"));
  } catch (error) {
    const { writeFileSync } = await import("node:fs");
    const picture = `${place.folder}.png`;
    writeFileSync(picture, await window.screenshot().catch(() => ""));
    throw new Error(`${error.stack}\npicture: ${picture}\n${window.log()}`);
  } finally {
    await window.quit().catch(() => {});
    place.remove();
  }
});

test("the page has no way out of the window", { timeout: 120_000 }, async () => {
  const place = makePlace();
  const window = await openWindow(place);
  try {
    await window.find("start-page");
    const refused = await window.run(`
      const { invoke } = window.__TAURI_INTERNALS__;
      const attempts = {
        "a shell": () => invoke("plugin:shell|execute", { program: "id" }),
        "a file": () => invoke("plugin:fs|read_text_file", { path: "/etc/hostname" }),
        "a link by the page itself": () => invoke("plugin:opener|open_url", { url: "https://example.com" }),
        "a new window": () => invoke("plugin:webview|create_webview_window", { options: { label: "other", url: "/" } }),
        "another host": () => fetch("https://example.com/"),
        "code from a text": async () => eval("1"),
        "what all objects share": async () => { "use strict"; Object.prototype.polluted = true; },
        "a method of all objects": async () => { "use strict"; Object.prototype.toString = () => "mine"; },
      };
      const allowed = [];
      return Promise.all(Object.entries(attempts).map(([name, attempt]) =>
        attempt().then(() => allowed.push(name), () => undefined))).then(() => allowed);
    `);
    assert.deepEqual(refused, [], "all of this is refused");
    await window.run("location.href = 'https://example.com/'");
    await window.find("start-page");
    assert.match(await window.run("return location.href"), /^tauri:\/\/localhost(\/|$)/);
  } finally {
    await window.quit().catch(() => {});
    place.remove();
  }
});
