// `npm run check`: the quick part of `npm test` – formats, lints and types; no test, no window.
import { must } from "./lib/run.mjs";
import { main, steps } from "./lib/terminal.mjs";
import { setup } from "./setup.mjs";

await main(async () => {
  const step = steps(5);
  await step("Look for what is needed", () => setup(["compile"]));
  await step("Format of Rust", () => must("cargo", ["fmt", "--all", "--check"]));
  await step("Lints of Rust", () => must("cargo", ["clippy", "--all-targets", "--", "-D", "warnings"]));
  await step("Types of the interface", () => must("npm", ["run", "--silent", "typecheck", "-w", "ui"]));
  await step("Lints of the interface", () => must("npm", ["run", "--silent", "lint", "-w", "ui"]));
});
