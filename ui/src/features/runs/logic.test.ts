import { describe, expect, it } from "vitest";
import type { RunView } from "../../bindings/RunView";
import { edgesOf, runRows } from "./run-rows";
import { firstAnswers, problemsOf, questionsOf, toInput } from "./schema-form";
import { formatDuration, formatRelative, parseDuration } from "./time";
import { barsOf, ticksOf } from "./timeline";

describe("durations", () => {
  it("reads what the core reads", () => {
    expect(parseDuration("500ms")).toBe(500);
    expect(parseDuration("1h30m")).toBe(5_400_000);
    expect(parseDuration("2d")).toBe(172_800_000);
    expect(parseDuration("PT5M")).toBe(300_000);
    for (const wrong of ["", "5", "5 minutes", "m", "PT", "1x"]) {
      expect(parseDuration(wrong), wrong).toBeNull();
    }
  });

  it("says them in words", () => {
    expect(formatDuration(12)).toBe("12 ms");
    expect(formatDuration(4_200)).toBe("4.2 s");
    expect(formatDuration(192_000)).toBe("3 m 12 s");
    expect(formatDuration(187_200_000)).toBe("2 d 4 h");
    expect(formatRelative(1_000, 241_000)).toBe("4 minutes ago");
    expect(formatRelative(86_400_000 * 2, 0)).toBe("in 2 days");
  });
});

describe("questions of a schema", () => {
  const questions = questionsOf({
    type: "object",
    required: ["threshold", "who"],
    properties: {
      threshold: { type: "number", default: 0.7, minimum: 0, maximum: 1 },
      who: { type: "string" },
      tier: { enum: ["gold", 2] },
      day: { type: "string", format: "date" },
      options: { type: "object" },
      list: { type: "array", items: { type: "number" } },
    },
  });

  it("begins with the defaults", () => {
    expect(firstAnswers(questions)).toEqual({ threshold: 0.7 });
    expect(firstAnswers(questions, { who: "ada", options: { a: 1 } })).toEqual({
      threshold: 0.7,
      who: "ada",
      options: '{\n  "a": 1\n}',
    });
  });

  it("says what is wrong, by field", () => {
    expect(problemsOf(questions, { threshold: 2, day: "soon", options: "[1]", list: "{" })).toMatchObject({
      threshold: "at most 1",
      who: "this is needed",
      day: "write a date such as 2026-12-24",
      options: "write an object: { … }",
    });
    expect(problemsOf(questions, { threshold: 0.5, who: "ada", list: "[1]" })).toEqual({});
  });

  it("sends JSON, not the texts of the form", () => {
    expect(toInput(questions, { threshold: 0.5, tier: 2, options: '{"a":1}', who: "" })).toEqual({
      threshold: 0.5,
      tier: 2,
      options: { a: 1 },
    });
  });
});

const view = {
  document: {
    steps: [
      { id: "load", kind: "read" },
      { id: "each", kind: "for_each", body: { steps: [{ id: "score", kind: "x" }], edges: [] } },
    ],
    edges: [{ from: "load", to: "each" }],
  },
  steps: {
    load: { status: "succeeded", startedAt: 0, endedAt: 10 },
    each: {
      status: "running",
      startedAt: 10,
      iterations: { total: 120, started: 5, succeeded: 3, failed: [3] },
    },
    "each[3]/score": { status: "failed", startedAt: 12, endedAt: 15 },
    "each[1]/score": { status: "succeeded", startedAt: 11, endedAt: 13 },
  },
  edges: {
    "load->each": { taken: true },
    "load->other!error": { taken: false },
    "each[3]/a.x->score": { taken: true },
  },
} as unknown as RunView;

describe("lines of a run", () => {
  it("shows the body that failed first, or the one that was chosen", () => {
    expect(runRows(view, {}).map((row) => row.path)).toEqual(["load", "each", "each[3]/score"]);
    expect(runRows(view, { each: 1 }).map((row) => row.path)).toEqual(["load", "each", "each[1]/score"]);
  });

  it("knows the edges around a step, in its own body", () => {
    expect(edgesOf(view, "load").outgoing.map((edge) => edge.to)).toEqual(["each", "other"]);
    expect(edgesOf(view, "each[3]/score").incoming.map((edge) => edge.from)).toEqual(["a.x"]);
    expect(edgesOf(view, "each").incoming).toHaveLength(1);
  });

  it("draws bars in the order of beginning, open ones until now", () => {
    const bars = barsOf({ ...view, at: 20, status: "running" }, 20);
    expect(bars.map((bar) => bar.path)).toEqual(["load", "each", "each[1]/score", "each[3]/score"]);
    expect(bars[1]).toMatchObject({ from: 10, to: 20, isOpen: true });
    expect(ticksOf(30_000, 6)).toEqual([0, 5_000, 10_000, 15_000, 20_000, 25_000, 30_000]);
  });
});
