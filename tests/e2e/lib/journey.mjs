// A journey in the browser: a place, a server and a page of its own, and a picture of the page if it fails.
import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { launch, openPage } from "./browser.mjs";
import { makePlace } from "./place.mjs";
import { serve } from "./serve.mjs";
import { assertCalm } from "./studio.mjs";

let browser;
after(async () => await browser?.close());

/**
 * Runs `work({ page, place, running, restart })`: `journey(name, work)` or `journey(name, options, work)`.
 *
 * `prepare(place)` may put files there first. `expected` are patterns of errors in the page that belong to the journey.
 */
export function journey(name, ...rest) {
  const work = rest.pop();
  const { prepare, expected = [], theme } = rest[0] ?? {};
  test(name, { timeout: 180_000 }, async () => {
    browser ??= await launch();
    const place = makePlace();
    prepare?.(place);
    const running = { server: await serve(place) };
    const pages = [];
    const open = async () => {
      const page = await openPage(browser, running.server.address, { theme });
      pages.push(page);
      return page;
    };
    /** Starts the server again, as after a crash or the next morning, and opens a new page on it. */
    const restart = async () => {
      running.server = await serve(place);
      return await open();
    };
    try {
      await work({ page: await open(), place, running, restart });
      for (const page of pages) assertCalm(page, expected);
    } catch (error) {
      const picture = await takePicture(pages.at(-1), name);
      const troubles = pages.flatMap((page) => page.troubles).join("\n");
      throw new Error(`${error.stack}\n${troubles}\npicture: ${picture}\nserver: ${running.server.output()}`);
    } finally {
      for (const page of pages) await page.context().close();
      await running.server.stop();
      place.remove();
    }
  });
}

async function takePicture(page, name) {
  if (!page || page.isClosed()) return "none";
  const folder = join(tmpdir(), "baton-e2e-pictures");
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name.replaceAll(/\W+/g, "-")}.png`);
  return await page.screenshot({ path, timeout: 5_000 }).then(() => path, (error) => `none: ${error.message}`);
}
