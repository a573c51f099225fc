// Reads from the output of a test runner how many tests passed and failed.

/** Takes colours out of a text. */
export function plain(text) {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are terminal colours
  return text.replace(/\u001b\[[0-9;]*m/g, "");
}

const runners = [
  // nextest: "Summary [  1.2s] 45 tests run: 44 passed (1 slow), 1 failed, 3 skipped"
  { line: /tests? run: .*/g, passed: /(\d+) passed/, failed: /(\d+) (?:failed|timed out)/g },
  // cargo test: "test result: ok. 3 passed; 0 failed; 0 ignored"
  { line: /^test result: .*/gm, passed: /(\d+) passed/, failed: /(\d+) failed/g },
  // Vitest: "      Tests  1 failed | 34 passed (35)"
  { line: /^\s*Tests {2}.*/gm, passed: /(\d+) passed/, failed: /(\d+) failed/g },
];

/** How many tests a runner reports. Nothing recognised is nothing run. */
export function countTests(output) {
  const text = plain(output);
  let passed = 0;
  let failed = 0;
  for (const runner of runners) {
    for (const [line] of text.matchAll(runner.line)) {
      passed += Number(line.match(runner.passed)?.[1] ?? 0);
      for (const found of line.matchAll(runner.failed)) failed += Number(found[1]);
    }
  }
  // Node's runner: "ℹ pass 3", or "# pass 3" where it writes TAP.
  for (const [, word, number] of text.matchAll(/^(?:ℹ|#) (pass|fail|cancelled) (\d+)$/gm)) {
    if (word === "pass") passed += Number(number);
    else failed += Number(number);
  }
  return { passed, failed };
}
