import { describe, expect, it } from "vitest";
import { parseCondition, printCondition } from "./condition";

describe("conditions as sentences", () => {
  it("reads comparisons joined by one word", () => {
    expect(parseCondition("steps.load.rows > 100 and input.dry_run = false")).toEqual({
      all: true,
      rows: [
        { left: "steps.load.rows", operator: ">", right: "100" },
        { left: "input.dry_run", operator: "=", right: "false" },
      ],
    });
    expect(parseCondition('input.tier in ["gold", "silver"] or steps.gate.passed')?.all).toBe(false);
    expect(parseCondition("$not(steps.gate.passed)")?.rows[0]).toEqual({
      left: "steps.gate.passed",
      operator: "false",
      right: "",
    });
    expect(parseCondition('input.name = "salt and pepper"')?.rows).toHaveLength(1);
  });

  it("leaves everything else to the expression editor", () => {
    for (const source of ["a and b or c", "$sum(steps.load.x) > 3", "(a = 1)", "steps.load[0", "true"]) {
      expect(parseCondition(source), source).toBeNull();
    }
  });

  it("prints what it reads", () => {
    for (const source of [
      "steps.load.rows > 100",
      'input.tier != "gold" or input.tier = "new"',
      "a in [1, 2] and b",
      "$not(a.b)",
      "steps.a.rows >= steps.b.rows",
    ]) {
      const parsed = parseCondition(source);
      expect(parsed && printCondition(parsed)).toBe(source);
    }
  });

  it("makes texts of words that people type", () => {
    const print = (operator: string, right: string) =>
      printCondition({ all: true, rows: [{ left: "input.tier", operator, right }] });
    expect(print("=", "gold")).toBe('input.tier = "gold"');
    expect(print("=", "12")).toBe("input.tier = 12");
    expect(print("=", "steps.a.b")).toBe("input.tier = steps.a.b");
    expect(print("in", "gold, silver")).toBe('input.tier in ["gold", "silver"]');
    expect(printCondition({ all: true, rows: [{ left: "", operator: "=", right: "1" }] })).toBe("");
  });
});
