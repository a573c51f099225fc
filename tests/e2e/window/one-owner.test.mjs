// The window as a client of `baton serve`, and as the owner once that is killed: people go on working.
import assert from "node:assert/strict";
import { test } from "node:test";
import { makePlace } from "../lib/place.mjs";
import { readSample } from "../lib/samples.mjs";
import { serve } from "../lib/serve.mjs";
import { openWindow } from "../lib/webdriver.mjs";

const airports = readSample("airports");
const approval = airports.ofKind("approval");

const ask = (window, name) => window.run("return window.__TAURI_INTERNALS__.invoke('rpc', { name: arguments[0], request: {} })", name);

const stands = (window, status) =>
  window.until(`a run that is \`${status}\``, async () => (await window.text("run-status")).includes(status), 60_000);

test("the window goes on with a run when the owner of the data folder is killed", { timeout: 180_000 }, async () => {
  const place = makePlace();
  const server = await serve(place);
  const window = await openWindow(place);
  try {
    await window.find("start-page");
    assert.match((await ask(window, "app_info")).owner, /^baton serve \(process \d+\)$/);
    await window.click(`sample-${airports.id}`);
    await window.startRun();
    await stands(window, "Waiting");
    await window.until("the owner", () => window.run("return document.body.textContent.includes('Connected to baton serve')"));

    await server.kill();
    const killed = performance.now();
    assert.equal((await ask(window, "app_info")).owner, null, "the window owns the folder now");
    const took = performance.now() - killed;
    assert.ok(took < 3_000, `it took ${Math.round(took)} ms`);
    console.log(`taken over after ${Math.round(took)} ms`);
    await window.until("no owner elsewhere", () => window.run("return !document.body.textContent.includes('Connected to')"));
    await window.click("inbox-badge");
    await window.click(`approve-${approval}`);
    await window.click("tab-run");
    await stands(window, "Succeeded");
  } catch (error) {
    throw new Error(`${error.stack}\n${window.log()}`);
  } finally {
    await window.quit().catch(() => {});
    await server.stop().catch(() => {});
    place.remove();
  }
});
