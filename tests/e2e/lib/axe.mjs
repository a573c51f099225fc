// What axe says about a page, in light and in dark.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { eventually } from "./studio.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Findings of axe that keep somebody from using the page. */
export async function findings(page) {
  await page.evaluate(axe);
  return await page.evaluate(async () => {
    const { violations } = await globalThis.axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"],
    });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).slice(0, 4).join(" | ")}`);
  });
}

/** Nothing is found in either scheme; the page follows the system, so no control has to be reached for that. */
export async function assertForAll(page, what) {
  for (const colorScheme of ["dark", "light"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.locator(`html[data-mantine-color-scheme=${colorScheme}]`).waitFor();
    // What fades in is looked at once it is there.
    await eventually(async () => assert.deepEqual(await findings(page), [], `${what} in ${colorScheme}`), 6_000);
  }
}
