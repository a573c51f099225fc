// A schedule in the real window: added, looked at, activated, paused.
import assert from "node:assert/strict";
import { test } from "node:test";
import { makePlace } from "../lib/place.mjs";
import { readSample } from "../lib/samples.mjs";
import { openWindow } from "../lib/webdriver.mjs";

const airports = readSample("airports");
const row = `trigger-${airports.id}-schedule`;

test("a schedule is added, activated and paused in the window", { timeout: 180_000 }, async () => {
  const place = makePlace();
  const window = await openWindow(place);
  try {
    await window.find("start-page");
    await window.click(`sample-${airports.id}`);
    await window.click("tab-triggers");
    // From the empty list to where triggers are added.
    await window.click("want-trigger");
    await window.click("add-trigger");
    await window.find("add-trigger-schedule");
    await new Promise((resolve) => setTimeout(resolve, 400));
    await window.click("add-trigger-schedule");
    const starts = await window.until("ten starts", async () => {
      const lines = await window.run(
        "return [...document.querySelectorAll('[data-testid=schedule-preview] li')].map((line) => line.textContent)",
      );
      return lines.length === 10 ? lines : null;
    });
    for (const start of starts) assert.match(start, /^(Mon|Tue|Wed|Thu|Fri) \d{4}-\d{2}-\d{2} 06:00\s*[+-]\d{2}:\d{2}/);

    await window.click("activate-triggers");
    const pressed = new Set();
    await window.until("an active trigger", async () => {
      for (const id of ["answer-save", "trust-run"]) {
        if (pressed.has(id) || !(await window.has(id))) continue;
        pressed.add(id);
        // A dialog slides in; what is pressed must have come to rest.
        await new Promise((resolve) => setTimeout(resolve, 400));
        await window.click(id);
      }
      return (await window.has(row)) && (await window.text(row)).includes("Active");
    });
    await window.click("trigger-pause-schedule");
    await window.until("a paused trigger", async () => (await window.text(row)).includes("Paused"));
  } finally {
    await window.quit().catch(() => window.close());
    place.remove();
  }
});
