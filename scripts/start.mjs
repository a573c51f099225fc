// `npm start`: Baton from a fresh checkout. The window where there is a screen, else the browser.
//
//   npm start                       opens the start page
//   npm start -- my.baton.json      opens a workflow
//   npm start -- --browser          the browser even where there is a screen
import { resolve } from "node:path";
import { build } from "./lib/cargo.mjs";
import { hasDisplay, warn } from "./lib/needs.mjs";
import { buildInterface } from "./lib/packages.mjs";
import { builtProgram, inProject } from "./lib/paths.mjs";
import { run } from "./lib/run.mjs";
import { dim, main, say, steps, Trouble } from "./lib/terminal.mjs";
import { setup } from "./setup.mjs";

await main(async () => {
  const given = process.argv.slice(2);
  const files = given.filter((word) => !word.startsWith("--")).map((path) => resolve(process.env.INIT_CWD ?? ".", path));
  const step = steps(4);

  let inWindow = hasDisplay() && !given.includes("--browser");
  await step("Look for what is needed", async () => {
    if (inWindow) {
      try {
        return await setup(["compile", "window"]);
      } catch (error) {
        if (!(error instanceof Trouble)) throw error;
        warn(`no window: ${error.message}. ${error.hint ?? ""}`);
        inWindow = false;
      }
    }
    return await setup(["compile"]);
  });
  await step("Build the interface", () => buildInterface());
  const name = inWindow ? "baton-desktop" : "baton";
  // Beside the program in an installed Baton; here the program may be built anywhere.
  const env = { BATON_SAMPLES_DIR: inProject("workflows"), BATON_UI_DIR: inProject("ui/dist"), ...process.env };
  await step("Build the program (the first time takes some minutes)", () => build());

  if (inWindow) {
    return await step("Open the window", async () => {
      say(dim("    Close the window to come back here."));
      return (await run(builtProgram(name, "dev"), files, { env })).code;
    });
  }
  return await step("Open Baton in the browser", async () => {
    if (!hasDisplay()) say("    no display found: Baton opens in the browser");
    say(dim("    Open the address below. Ctrl+C ends Baton; nothing is lost."));
    const quiet = hasDisplay() ? [] : ["--no-open"];
    return (await run(builtProgram(name, "dev"), ["serve", ...quiet], { env })).code;
  });
});
