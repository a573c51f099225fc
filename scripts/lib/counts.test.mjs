// The counts decide whether a build is green, so what the runners print is kept here as it was printed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { countTests } from "./counts.mjs";

test("nextest", () => {
  const output = "     Summary [   1.203s] 45 tests run: 43 passed (1 slow), 1 failed, 1 timed out, 3 skipped\n";
  assert.deepEqual(countTests(output), { passed: 43, failed: 2 });
});

test("cargo test adds up its binaries", () => {
  const output = [
    "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
    "test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
  ].join("\n");
  assert.deepEqual(countTests(output), { passed: 5, failed: 1 });
});

test("Vitest, in colour, counts tests and not files", () => {
  const output = "\u001b[2m Test Files \u001b[22m 2 failed | 4 passed (6)\n\u001b[2m      Tests \u001b[22m \u001b[31m1 failed\u001b[39m | \u001b[32m34 passed\u001b[39m (35)\n";
  assert.deepEqual(countTests(output), { passed: 34, failed: 1 });
});

test("Node's runner counts what was cut off as failed", () => {
  assert.deepEqual(countTests("ℹ tests 4\nℹ pass 2\nℹ fail 1\nℹ cancelled 1\n"), { passed: 2, failed: 2 });
});

test("other output is no test", () => {
  assert.deepEqual(countTests("everything passed, 3 of 3\n"), { passed: 0, failed: 0 });
});
