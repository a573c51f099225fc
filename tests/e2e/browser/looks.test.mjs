// The studio for everybody: axe finds nothing, in light and in dark; a thousand steps stay quick.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { findings } from "../lib/axe.mjs";
import { journey } from "../lib/journey.mjs";
import { chain, textOf } from "../lib/made.mjs";
import { readSample } from "../lib/samples.mjs";
import { at, canvasOf, eventually, openFile, openSample } from "../lib/studio.mjs";

const airports = readSample("airports");

for (const theme of ["light", "dark"]) {
  journey(`axe finds nothing to complain about in ${theme}`, { theme }, async ({ page }) => {
    await at(page, `sample-${airports.id}`).waitFor();
    assert.deepEqual(await findings(page), [], "start page");
    await at(page, "settings-menu").click();
    await at(page, "menu-webhooks").waitFor();
    await page.waitForTimeout(300);
    assert.deepEqual(await findings(page), [], "settings");
    await page.keyboard.press("Escape");
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
