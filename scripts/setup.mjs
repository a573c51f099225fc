// Looks for what Baton needs and installs what is missing, saying what. `npm start` and `npm test` call it; it
// uses nothing but Node itself because it runs before anything else is installed.
//
//   node scripts/setup.mjs          what `npm start` needs on this machine
//   node scripts/setup.mjs test     and what `npm test` needs
import { pathToFileURL } from "node:url";
import { rustVersion } from "./lib/cargo.mjs";
import { hasDisplay, provide, requireNode, requireRust } from "./lib/needs.mjs";
import { installPackages } from "./lib/packages.mjs";
import { main } from "./lib/terminal.mjs";

/** `groups` are those of lib/needs.mjs. Gives a few words about what it found. */
export async function setup(groups) {
  requireNode();
  requireRust(rustVersion());
  await provide(groups);
  return (await installPackages()) ? "installed" : "all there";
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => {
    const groups = process.argv[2] === "test" ? ["compile", "window", "test"] : hasDisplay() ? ["compile", "window"] : ["compile"];
    await setup(groups);
  });
}
