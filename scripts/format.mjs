// `npm run format`: formats everything, Rust and TypeScript.
import { must } from "./lib/run.mjs";
import { main } from "./lib/terminal.mjs";

await main(async () => {
  await must("cargo", ["fmt", "--all"]);
  await must("npm", ["run", "--silent", "format", "--workspace", "ui"]);
});
