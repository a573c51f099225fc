// Figures that only a browser can give.
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { launch, openPage } from "./browser.mjs";
import { chain, textOf } from "./made.mjs";
import { makePlace } from "./place.mjs";
import { serve } from "./serve.mjs";
import { openFile } from "./studio.mjs";

const ROUNDS = 5;

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

/**
 * From the click on a recent file of 1,000 steps until a click on a step is answered by the inspector.
 *
 * The baseline is a bare page in the same browser: it fetches the same file and puts a box per step and a line
 * per edge on the page, with no library and nothing to click.
 */
export async function openThousandSteps() {
  const place = makePlace();
  const text = textOf(chain(1_000, "thousand"));
  const file = place.path("thousand.baton.json");
  writeFileSync(file, text);
  const server = await serve(place);
  const browser = await launch();
  try {
    const page = await openPage(browser, server.address);
    const ours = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      await page.getByTestId("start-page").waitFor();
      const start = performance.now();
      await openFile(page, file);
      await page.getByTestId("step-s0000").click();
      await page.getByTestId("inspector").getByText("s0000").first().waitFor();
      ours.push(performance.now() - start);
      await page.getByLabel("Start page").first().click();
    }
    const bare = await bareOpening(browser, text);
    const round = (number) => Math.round(number * 1_000) / 1_000;
    const [value, baseline] = [median(ours), median(bare)];
    return {
      name: "open to interactive of 1,000 steps in the browser",
      value: round(value),
      unit: "ms",
      baseline: round(baseline),
      ratio: round(value / baseline),
    };
  } finally {
    await browser.close();
    await server.stop();
    place.remove();
  }
}

const barePage = `<!doctype html><title>bare</title><body><script type="module">
const { steps, edges, layout } = await (await fetch("/file")).json();
const lines = document.createElementNS("http://www.w3.org/2000/svg", "svg");
for (const { from, to } of edges) {
  const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
  for (const [key, value] of Object.entries({ x1: layout[from][0], y1: layout[from][1], x2: layout[to][0], y2: layout[to][1] })) line.setAttribute(key, value);
  lines.append(line);
}
const boxes = steps.map(({ id, name }) => {
  const box = document.createElement("div");
  box.textContent = name;
  box.style.cssText = "position:absolute;left:" + layout[id][0] + "px;top:" + layout[id][1] + "px";
  return box;
});
document.body.append(lines, ...boxes);
requestAnimationFrame(() => requestAnimationFrame(() => { document.title = "drawn"; }));
</script>`;

async function bareOpening(browser, text) {
  const server = createServer((request, response) => {
    const isFile = request.url === "/file";
    response.setHeader("Content-Type", isFile ? "application/json" : "text/html");
    response.end(isFile ? text : barePage);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const page = await browser.newPage();
  const times = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const start = performance.now();
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    await page.waitForFunction(() => document.title === "drawn");
    times.push(performance.now() - start);
  }
  await page.close();
  server.close();
  return times;
}
