// `npm run bindings`: writes ui/src/bindings, the TypeScript types of everything that crosses from Rust.
//
//   npm run bindings                writes them
//   npm run bindings -- --check     compares them with what is there and changes nothing
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { inProject } from "./lib/paths.mjs";
import { must } from "./lib/run.mjs";
import { main, say, Trouble } from "./lib/terminal.mjs";

const committed = inProject("ui/src/bindings");

// Threads of one process, not one process per test as nextest does: several would write the same file at once.
async function write(folder, scope, output) {
  await must("cargo", ["test", "--quiet", "--lib", ...scope, "export_bindings"], {
    env: { TS_RS_EXPORT_DIR: folder },
    output,
  });
}

function filesBelow(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true })
    .filter((name) => statSync(join(folder, name)).isFile())
    .sort();
}

/** Fails if the committed types are not the ones that Rust makes. `scope` is cargo's choice of packages. */
export async function checkBindings({ scope = ["-p", "baton-core", "-p", "baton-api"], output = "quiet" } = {}) {
  const fresh = mkdtempSync(join(tmpdir(), "baton-bindings-"));
  try {
    await write(fresh, scope, output);
    const made = filesBelow(fresh);
    const kept = filesBelow(committed);
    const text = (folder, name) => readFileSync(join(folder, name), "utf8");
    const wrong = [
      ...made.filter((name) => !kept.includes(name)).map((name) => `${name} is missing`),
      ...kept.filter((name) => !made.includes(name)).map((name) => `${name} is no longer made`),
      ...made.filter((name) => kept.includes(name) && text(fresh, name) !== text(committed, name)).map((name) => `${name} differs`),
    ];
    for (const line of wrong) say(`    ${line}`);
    if (wrong.length > 0) throw new Trouble("ui/src/bindings is out of date", "run `npm run bindings` and commit the result");
    return made.length;
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => {
    if (process.argv.includes("--check")) {
      say(`${await checkBindings()} files are up to date`);
      return;
    }
    rmSync(committed, { recursive: true, force: true });
    await write(committed, ["-p", "baton-core", "-p", "baton-api"], "through");
    say(`${filesBelow(committed).length} files in ui/src/bindings`);
  });
}
