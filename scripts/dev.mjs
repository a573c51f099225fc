// `npm run dev`: the interface with hot reload, in the browser, over a real backend.
//
// Vite serves the sources and passes `/api` on to `baton serve`; the address that `baton serve` prints carries
// the code that lets a browser in, so the same code is put on Vite's address.
import { spawn } from "node:child_process";
import { build } from "./lib/cargo.mjs";
import { buildInterface } from "./lib/packages.mjs";
import { builtProgram, inProject } from "./lib/paths.mjs";
import { main, say, steps, Trouble } from "./lib/terminal.mjs";
import { setup } from "./setup.mjs";

// Where ui/vite.config.ts looks for it.
const port = 4780;

await main(async () => {
  const step = steps(3);
  await step("Look for what is needed", () => setup(["compile"]));
  await step("Build the program", async () => {
    await buildInterface();
    await build();
  });
  await step("Serve", async () => {
    const backend = spawn(builtProgram("baton", "dev"), ["serve", "--no-open", "--port", String(port)], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { BATON_SAMPLES_DIR: inProject("workflows"), BATON_UI_DIR: inProject("ui/dist"), ...process.env },
    });
    const address = await new Promise((resolve, reject) => {
      backend.stdout.setEncoding("utf8").on("data", (text) => {
        process.stdout.write(text);
        const found = text.match(/http:\/\/[^\s#]+#\S+/);
        if (found) resolve(new URL(found[0]));
      });
      backend.on("close", (code) => reject(new Trouble(`\`baton serve\` ended with ${code}`)));
    });
    say(`    with hot reload: http://127.0.0.1:5173/${address.hash}`);
    const vite = spawn("npm", ["run", "dev", "--workspace", "ui", "--", "--host", "127.0.0.1"], {
      cwd: inProject(),
      stdio: "inherit",
      shell: process.platform === "win32",
    });
    await new Promise((resolve) => vite.on("close", resolve));
    backend.kill();
  });
});
