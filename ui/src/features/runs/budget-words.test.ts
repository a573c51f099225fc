import { describe, expect, it } from "vitest";
import { exceededWords, formatBytes, parseBytes, proposed } from "./budget-words";

describe("budgets in words", () => {
  it("says how much was used and how much is allowed", () => {
    expect(exceededWords({ budget: "steps", used: 100_000, limit: 100_000 })).toBe(
      "It has started 100,000 steps, and 100,000 steps are allowed",
    );
    expect(exceededWords({ budget: "payload", used: 1_500_000, limit: 1_000_000, step: "load" })).toBe(
      "A value at load has 1.5 MB, and 1 MB are allowed",
    );
  });

  it("proposes to go as far again", () => {
    expect(proposed({ budget: "steps", used: 100_000, limit: 100_000 })).toBe(200_000);
    expect(proposed({ budget: "memory", used: 130_500_000, limit: 128_000_000 })).toBe(261);
    expect(proposed({ budget: "wallTime", used: 3_600_000, limit: 3_600_000 })).toBe(120);
  });

  it("reads and writes amounts of data", () => {
    for (const [text, bytes] of [
      ["800 B", 800],
      ["256 MB", 256_000_000],
      ["1.5 GB", 1_500_000_000],
    ] as const) {
      expect(formatBytes(bytes)).toBe(text);
      expect(parseBytes(text)).toBe(bytes);
    }
    expect(parseBytes("32MiB")).toBe(33_554_432);
    for (const wrong of ["", "12", "many MB", "-1 MB"]) expect(parseBytes(wrong)).toBeNull();
  });
});
