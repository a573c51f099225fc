// The studio for everybody: axe finds nothing, in light and in dark; a thousand steps stay quick.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { journey } from "../lib/journey.mjs";
import { chain, textOf } from "../lib/made.mjs";
import { readSample } from "../lib/samples.mjs";
import { at, canvasOf, eventually, openFile, openSample } from "../lib/studio.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const airports = readSample("airports");

/** Findings of axe that keep somebody from using the page. */
async function findings(page) {
  await page.evaluate(axe);
  return await page.evaluate(async () => {
    const { violations } = await globalThis.axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"],
    });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).slice(0, 4).join(" | ")}`);
  });
}

for (const theme of ["light", "dark"]) {
  journey(`axe finds nothing to complain about in ${theme}`, { theme }, async ({ page }) => {
    await at(page, `sample-${airports.id}`).waitFor();
    assert.deepEqual(await findings(page), [], "start page");
    await openSample(page, airports.id);
    await at(page, `step-${airports.ofKind("read_table")}`).click();
    await at(page, "inspector").waitFor();
    for (const panel of ["problems", "history", "inbox", "outline"]) {
      await at(page, `tab-${panel}`).click();
      await page.waitForTimeout(300);
      assert.deepEqual(await findings(page), [], `editor with ${panel}`);
    }
  });
}

journey("the theme changes at a press and is kept", async ({ page }) => {
  await openSample(page, airports.id);
  const scheme = () => page.evaluate(() => document.documentElement.dataset.mantineColorScheme);
  assert.equal(await scheme(), "light");
  await at(page, "theme-toggle").click();
  await eventually(async () => assert.equal(await scheme(), "dark"));
  await page.waitForTimeout(500);
  await page.reload();
  await at(page, "start-page").or(canvasOf(page)).first().waitFor();
  await eventually(async () => assert.equal(await scheme(), "dark"));
});

journey("a thousand steps open, and only those in view are in the page", { prepare: (place) => writeFileSync(place.path("thousand.baton.json"), textOf(chain(1_000, "thousand"))) }, async ({ page, place }) => {
  await openFile(page, place.path("thousand.baton.json"));
  await canvasOf(page).waitFor();
  const cards = () => canvasOf(page).locator("[data-step]").count();
  await eventually(async () => assert.ok((await cards()) < 400, "the page holds what is in view"));
  await page.keyboard.press("Control+F");
  await page.waitForFunction(() => document.activeElement?.getAttribute("placeholder") === "Go to a step…");
  await page.keyboard.type("Step 612");
  await page.keyboard.press("Enter");
  await at(page, "step-s0612").waitFor();
  await at(page, "step-s0612").click();
  await at(page, "inspector").getByText("s0612").first().waitFor();
});
