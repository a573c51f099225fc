// Chromium, and a page that notices everything that goes wrong in it.
import { chromium } from "playwright-core";
import { findChromium } from "../../../scripts/lib/needs.mjs";

/** What the browser must not do on a machine that has no network. */
const quiet = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export async function launch() {
  const executablePath = findChromium();
  if (!executablePath) throw new Error("no Chromium: run `node scripts/setup.mjs test`");
  return await chromium.launch({ executablePath, args: quiet });
}

/** A page of 1440 × 900 in light; `troubles` fills with errors of the page and answers of 5xx. */
export async function openPage(browser, address, { theme = "light" } = {}) {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    colorScheme: theme,
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  page.troubles = [];
  page.on("pageerror", (error) => page.troubles.push(`error in the page: ${error.stack ?? error}`));
  page.on("console", (message) => {
    if (message.type() === "error") page.troubles.push(`console: ${message.text()}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 500) page.troubles.push(`${response.status()} from ${response.url()}`);
  });
  await page.goto(address);
  return page;
}
