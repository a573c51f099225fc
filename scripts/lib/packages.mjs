// The npm packages and the built interface: whether they are there and up to date.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inProject } from "./paths.mjs";
import { must } from "./run.mjs";
import { say } from "./terminal.mjs";

const stampFolder = inProject("node_modules", ".baton");

/** Installs the npm packages if the lists of them changed since the last time. Says whether it did. */
export async function installPackages() {
  const lists = ["package.json", "package-lock.json", "ui/package.json"].map((path) => inProject(path));
  if (isFresh("packages", lists)) return false;
  say("    installing npm packages");
  // `ci` keeps to the lock file to the letter but removes what is there, so it is for the first time only.
  const verb = existsSync(inProject("node_modules")) ? "install" : "ci";
  await must("npm", [verb, "--no-audit", "--no-fund"], { output: "quiet" });
  keepStamp("packages", lists);
  return true;
}

/** Builds the interface if its sources changed since the last time. Says what it did. */
export async function buildInterface({ output = "quiet" } = {}) {
  const sources = [
    ...filesBelow(inProject("ui/src")),
    ...filesBelow(inProject("ui/public")),
    ...readdirSync(inProject("ui")).filter((name) => /\.(json|ts|html)$/.test(name)).map((name) => inProject("ui", name)),
    inProject("package-lock.json"),
  ];
  if (existsSync(inProject("ui/dist/index.html")) && isFresh("interface", sources)) return "up to date";
  await must("npm", ["run", "--silent", "build", "--workspace", "ui"], { output });
  keepStamp("interface", sources);
  return "built";
}

function filesBelow(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .sort();
}

// Compared by content: a checkout gives every file a new time.
function digest(paths) {
  const hash = createHash("sha256");
  for (const path of paths) hash.update(path).update("\0").update(readFileSync(path)).update("\0");
  return hash.digest("hex");
}

function isFresh(name, paths) {
  const stamp = join(stampFolder, name);
  return existsSync(stamp) && readFileSync(stamp, "utf8") === digest(paths);
}

function keepStamp(name, paths) {
  mkdirSync(stampFolder, { recursive: true });
  writeFileSync(join(stampFolder, name), digest(paths));
}
