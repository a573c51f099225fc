import { describe, expect, it } from "vitest";
import type { KindInfo } from "../../bindings/KindInfo";
import type { Workflow } from "../../bindings/Workflow";
import { complete } from "./complete";
import { explainName, lintExpression } from "./lint";
import { type ExpressionScope, scopeAt } from "./scope";
import { asExpression, asLines, expressionSource, isExpression } from "./template";

const scope: ExpressionScope = {
  steps: [
    {
      id: "load",
      title: "Load customers",
      kind: "read_table",
      fields: [["rows", "number of rows"]],
      output: { rows: 3, "first name": "Ada", preview: [{ score: 1 }] },
    },
  ],
  names: [
    { name: "input", help: "what the run was started with" },
    { name: "run", help: "the run" },
  ],
  inputSchema: { properties: { threshold: { type: "number", title: "Threshold" } } },
  values: {},
};

const labels = (text: string, explicit = false) =>
  complete(text, scope, explicit)?.options.map((one) => one.label) ?? [];

describe("lintExpression", () => {
  it("finds nothing wrong with expressions in scope", () => {
    for (const good of [
      "steps.load.rows > 100",
      "$sum(steps.load.preview.score)",
      'input.threshold in [1, 2] and $contains("a", "b")',
      "steps.load.preview[score > 3].score",
      "$map(steps.load.preview, function($row) { $row.score })",
      "",
    ]) {
      expect(lintExpression(good, scope), good).toEqual([]);
    }
  });

  it("says in plain words what is missing, and where", () => {
    const [open] = lintExpression("$sum(steps.load.rows", scope);
    expect(open).toMatchObject({ code: "S0203", severity: "error" });
    expect(open?.message).toBe("`)` is missing: a `(` was opened and not closed");
    const [text] = lintExpression('steps.load.rows = "gold', scope);
    expect(text?.message).toBe("this text has no closing quote");
    const [odd] = lintExpression("steps.load.rows > > 3", scope);
    expect(odd?.severity).toBe("error");
    expect(odd?.from).toBeGreaterThan(15);
    expect(odd?.to).toBeLessThanOrEqual(21);
  });

  it("warns about steps and names that are not there", () => {
    const source = "steps.lod.rows > threshold";
    const found = lintExpression(source, scope);
    expect(found.map((one) => one.message)).toEqual([
      "no earlier step is called `lod`",
      "`threshold` is not known here",
    ]);
    expect(source.slice(found[0]?.from, found[0]?.to)).toBe("lod");
    expect(found.every((one) => one.severity === "warning")).toBe(true);
    expect(lintExpression('$eval("1")', scope)[0]?.message).toBe("`$eval` does not exist here");
  });

  it("never evaluates", () => {
    expect(lintExpression('$error("boom")', scope)).toEqual([]);
    expect(lintExpression("(function($f) { $f($f) })(function($f) { $f($f) })", scope)).toEqual([]);
  });
});

describe("complete", () => {
  it("offers steps, their fields and what the open run gave", () => {
    expect(labels("ste")).toContain("steps.load");
    expect(labels("steps.")).toEqual(["load"]);
    expect(labels("steps.load.")).toEqual(["rows", "first name", "preview"]);
    expect(labels("1 + steps.load.preview.")).toEqual(["score"]);
    expect(complete("steps.load.", scope, false)?.options[1]?.insert).toBe("`first name`");
  });

  it("offers the input after its schema, and functions after a dollar", () => {
    expect(labels("input.")).toEqual(["threshold"]);
    expect(labels("$su")).toContain("$sum");
    expect(labels("")).toEqual([]);
    expect(labels("", true)).toContain("input");
  });

  it("explains what the pointer is on", () => {
    expect(explainName("$sum", scope)).toContain("Adds up");
    expect(explainName("steps.load.rows", scope)).toBe("rows of “Load customers”: number of rows");
    expect(explainName("nothing", scope)).toBeNull();
  });
});

describe("scopeAt", () => {
  const doc = {
    format: 1,
    id: "flow",
    name: "Flow",
    triggers: [],
    notes: [],
    steps: [
      { id: "load", kind: "read" },
      { id: "other", kind: "read" },
      {
        id: "each",
        kind: "for_each",
        body: {
          steps: [
            { id: "a", kind: "read" },
            { id: "b", kind: "read" },
          ],
          edges: [{ from: "a", to: "b" }],
        },
      },
      { id: "mend", kind: "read" },
    ],
    edges: [
      { from: "load", to: "each" },
      { from: "each", to: "mend", on: "error" },
    ],
  } as Workflow;
  const kinds: ReadonlyMap<string, KindInfo> = new Map();
  const at = (step: string) => scopeAt({ workflow: doc, kinds, step });

  it("holds the steps before, also those around a body", () => {
    expect(
      at("b")
        .steps.map((step) => step.id)
        .sort(),
    ).toEqual(["a", "load"]);
    expect(at("load").steps).toEqual([]);
  });

  it("holds `item` inside a loop and `error` behind an error edge", () => {
    const names = (step: string) => at(step).names.map((name) => name.name);
    expect(names("b")).toContain("item");
    expect(names("load")).not.toContain("item");
    expect(names("mend")).toContain("error");
  });
});

describe("templates", () => {
  it("knows what is exactly one expression", () => {
    expect(expressionSource("{% steps.load.rows %}")).toBe("steps.load.rows");
    expect(expressionSource(["{%", "  1 + 2", "%}"])).toBe("1 + 2");
    expect(isExpression("Hello {% input.name %}")).toBe(false);
    expect(isExpression("{% a %} and {% b %}")).toBe(false);
    expect(asExpression(" 1 ")).toBe("{% 1 %}");
    expect(asLines("a\nb")).toEqual(["a", "b"]);
    expect(asLines("a")).toBe("a");
  });
});
