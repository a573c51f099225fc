// `npm run histories`: records in tests/histories what this build writes, for all later builds to read.
//
// What was recorded once is never written again: a test compares every file with its digest in the index.
import { must } from "./lib/run.mjs";
import { main } from "./lib/terminal.mjs";

await main(async () => {
  await must("cargo", ["run", "--quiet", "-p", "baton-core", "--example", "histories"]);
});
