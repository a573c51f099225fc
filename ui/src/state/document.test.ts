import fc from "fast-check";
import { applyPatches, enablePatches, produce, produceWithPatches } from "immer";
import { describe, expect, test } from "vitest";
import type { Step } from "../bindings/Step";
import type { Workflow } from "../bindings/Workflow";
import {
  addStep,
  bodyOf,
  connect,
  copySteps,
  deleteEdges,
  deleteSteps,
  eachStep,
  edgeKey,
  findEdge,
  findStep,
  inOrder,
  insertOnEdge,
  moveInto,
  newWorkflow,
  normalize,
  parentOf,
  parseClip,
  pasteClip,
  place,
  refusal,
  renameReference,
  renameStep,
  slugify,
  stepsBefore,
  uniqueId,
} from "./document";

enablePatches();

const step = (id: string, rest: Partial<Step> = {}): Step => ({ id, kind: "task", ...rest });

function sample(): Workflow {
  return {
    ...newWorkflow("Sample"),
    steps: [
      step("load"),
      step("gate", { with: { table: "{% steps.load %}", note: "steps.load_more stays" } }),
      step("each", {
        body: {
          steps: [step("a"), step("b", { with: { from: "{% steps.a.rows + $$.steps.load.rows %}" } })],
          edges: [{ from: "a", to: "b", when: "{% steps.load.rows > 0 %}" }],
        },
      }),
      step("done"),
    ],
    edges: [
      { from: "load", to: "gate" },
      { from: "gate.pass", to: "each", when: "{% steps.load.rows > 1 %}" },
      { from: "each", to: "done" },
      { from: "load", to: "done", on: "error" },
    ],
    layout: { load: [0, 0], gate: [300, 0], a: [20, 60] },
  };
}

describe("reading", () => {
  test("finds steps and their containers wherever they stand", () => {
    const doc = sample();
    expect(findStep(doc, "b")?.kind).toBe("task");
    expect(parentOf(doc, "b")).toBe("each");
    expect(parentOf(doc, "gate")).toBeNull();
    expect(findStep(doc, "nothing")).toBeUndefined();
  });

  test("names edges as Rust does", () => {
    expect(sample().edges.map(edgeKey)).toEqual([
      "load->gate",
      "gate.pass->each",
      "each->done",
      "load->done!error",
    ]);
    expect(findEdge(sample(), "a->b")?.parent).toBe("each");
  });

  test("fills in the lists that a file may leave out", () => {
    const doc = normalize({
      format: 1,
      id: "x",
      name: "X",
      steps: [step("s", { body: {} as never })],
    } as never);
    expect(doc.edges).toEqual([]);
    expect(doc.notes).toEqual([]);
    expect(doc.steps[0]?.body).toEqual({ steps: [], edges: [] });
  });

  test("knows what an expression of a step can see", () => {
    expect(stepsBefore(sample(), "b").map((each) => each.id)).toEqual(["a", "gate", "load"]);
  });

  test("puts each step after those it waits for", () => {
    const doc = sample();
    expect(inOrder({ ...doc, steps: [...doc.steps].reverse() }).map((each) => each.id)).toEqual([
      "load",
      "gate",
      "each",
      "done",
    ]);
  });

  test("keeps every step of a graph that runs in a circle", () => {
    const graph = {
      steps: [step("a"), step("b")],
      edges: [
        { from: "a", to: "b" },
        { from: "b", to: "a" },
      ],
    };
    expect(inOrder(graph)).toHaveLength(2);
  });
});

describe("ids", () => {
  test("makes slugs of names", () => {
    expect(slugify("Load customers")).toBe("load_customers");
    expect(slugify("Übersicht 2")).toBe("ubersicht_2");
    expect(slugify("2 fast")).toBe("fast");
    expect(slugify("…")).toBe("step");
  });

  test("never hands out an id that is taken, inside containers too", () => {
    expect(uniqueId(sample(), "b")).toBe("b_2");
    expect(uniqueId(sample(), "b_2")).toBe("b_2");
    expect(uniqueId(sample(), "fresh")).toBe("fresh");
  });
});

describe("renaming", () => {
  test("reaches edges, layout and expressions, and nothing that only begins alike", () => {
    const doc = produce(sample(), (draft) => renameStep(draft, "load", "read"));
    expect(doc.edges[0]).toEqual({ from: "read", to: "gate" });
    expect(doc.edges[1]?.when).toBe("{% steps.read.rows > 1 %}");
    expect(findStep(doc, "gate")?.with).toEqual({ table: "{% steps.read %}", note: "steps.load_more stays" });
    expect(findStep(doc, "b")?.with?.from).toBe("{% steps.a.rows + $$.steps.read.rows %}");
    expect(findEdge(doc, "a->b")?.edge.when).toBe("{% steps.read.rows > 0 %}");
    expect(doc.layout).toEqual({ read: [0, 0], gate: [300, 0], a: [20, 60] });
  });

  test("keeps the port of an edge", () => {
    const doc = produce(sample(), (draft) => renameStep(draft, "gate", "check"));
    expect(doc.edges[1]?.from).toBe("check.pass");
  });

  test("leaves fields of other things alone", () => {
    const renames = new Map([["a", "z"]]);
    expect(renameReference("x.steps.a + steps.a", renames)).toBe("x.steps.a + steps.z");
  });
});

describe("edges", () => {
  test("are refused to itself, in a circle and across a container", () => {
    const doc = sample();
    expect(refusal(doc, "load", "load")).toMatch("itself");
    expect(refusal(doc, "done", "load")).toMatch("circle");
    expect(refusal(doc, "load", "a")).toMatch("container");
    expect(refusal(doc, "gate.fail", "done")).toBeNull();
  });

  test("are not drawn twice", () => {
    const doc = sample();
    expect(connect(doc, null, "load", "gate")).toBeNull();
    expect(connect(doc, null, "load", "gate", "error")).toEqual({ from: "load", to: "gate", on: "error" });
  });

  test("take a step in between", () => {
    const doc = sample();
    insertOnEdge(doc, "gate.pass->each", step("middle"), null, [10, 10]);
    expect(doc.edges.map(edgeKey)).toContain("gate.pass->middle");
    expect(doc.edges.map(edgeKey)).toContain("middle->each");
    expect(doc.edges.map(edgeKey)).not.toContain("gate.pass->each");
    expect(findEdge(doc, "gate.pass->middle")?.edge.when).toBeDefined();
  });
});

describe("deleting", () => {
  test("takes edges and places along", () => {
    const doc = sample();
    deleteSteps(doc, ["each"]);
    expect(findStep(doc, "a")).toBeUndefined();
    expect(doc.edges.map(edgeKey)).toEqual(["load->gate", "load->done!error"]);
    expect(doc.layout).toEqual({ load: [0, 0], gate: [300, 0] });
  });

  test("joins the neighbours on request", () => {
    const doc = sample();
    deleteSteps(doc, ["each"], { heal: true });
    expect(doc.edges.map(edgeKey)).toContain("gate.pass->done");
  });

  test("finds edges in bodies", () => {
    const doc = sample();
    deleteEdges(doc, new Set(["a->b", "load->gate"]));
    expect(findStep(doc, "each")?.body?.edges).toEqual([]);
    expect(doc.edges).toHaveLength(3);
  });
});

describe("containers", () => {
  test("take a step in, with its edges cut and its place given", () => {
    const doc = sample();
    moveInto(doc, "gate", "each", [40, 80]);
    expect(parentOf(doc, "gate")).toBe("each");
    expect(doc.edges.map(edgeKey)).toEqual(["each->done", "load->done!error"]);
    expect(doc.layout?.gate).toEqual([40, 80]);
  });

  test("are never moved into themselves", () => {
    const doc = sample();
    const before = structuredClone(doc);
    moveInto(doc, "each", "each", [0, 0]);
    expect(doc).toEqual(before);
  });
});

describe("clipboard", () => {
  test("pastes under new ids, with inner edges and references rewritten", () => {
    const doc = sample();
    const clip = copySteps(doc, ["load", "gate"], { load: [0, 0], gate: [300, 0] });
    const text = JSON.stringify(clip);
    const parsed = parseClip(text);
    expect(parsed).not.toBeNull();
    const ids = parsed ? pasteClip(doc, parsed, null, [1000, 500]) : [];
    expect(ids).toEqual(["load_2", "gate_2"]);
    expect(findStep(doc, "gate_2")?.with?.table).toBe("{% steps.load_2 %}");
    expect(doc.edges.map(edgeKey)).toContain("load_2->gate_2");
    expect(doc.layout?.gate_2).toEqual([1300, 500]);
  });

  test("keeps edges from outside only on request", () => {
    const doc = sample();
    const clip = copySteps(doc, ["gate"], {});
    if (!clip) throw new Error("nothing was copied");
    const bare = structuredClone(doc);
    pasteClip(bare, clip, null, [0, 0]);
    expect(bare.edges.map(edgeKey)).not.toContain("load->gate_2");
    pasteClip(doc, clip, null, [0, 0], { keepInbound: true });
    expect(doc.edges.map(edgeKey)).toContain("load->gate_2");
  });

  test("renames what stands inside a copied container", () => {
    const doc = sample();
    const clip = copySteps(doc, ["each"], { each: [0, 0], a: [20, 60] });
    if (!clip) throw new Error("nothing was copied");
    pasteClip(doc, clip, null, [0, 400]);
    expect(findStep(doc, "b_2")?.with?.from).toBe("{% steps.a_2.rows + $$.steps.load.rows %}");
    expect(bodyOf(doc, "each_2").edges.map(edgeKey)).toEqual(["a_2->b_2"]);
    expect(doc.layout?.a_2).toEqual([20, 60]);
  });

  test("ignores any other text", () => {
    expect(parseClip("hello")).toBeNull();
    expect(parseClip('{"steps": []}')).toBeNull();
    expect(parseClip("null")).toBeNull();
  });
});

// ---- laws over arbitrary edits

type Edit = (draft: Workflow) => void;

const ids = ["s0", "s1", "s2", "s3", "s4", "inner"];
const anyId = fc.constantFrom(...ids);

const anyEdit: fc.Arbitrary<Edit> = fc.oneof(
  fc.tuple(anyId, fc.constantFrom(null, "s1")).map(
    ([id, parent]): Edit =>
      (draft) => {
        const into = parent !== null && findStep(draft, parent) ? parent : null;
        addStep(draft, into, step(uniqueId(draft, id)), [1, 2]);
      },
  ),
  fc.tuple(anyId, anyId).map(
    ([from, to]): Edit =>
      (draft) => {
        if (findStep(draft, from)) connect(draft, parentOf(draft, from), from, to);
      },
  ),
  fc.tuple(anyId, fc.boolean()).map(
    ([id, heal]): Edit =>
      (draft) =>
        deleteSteps(draft, [id], { heal }),
  ),
  anyId.map(
    (id): Edit =>
      (draft) =>
        renameStep(draft, id, uniqueId(draft, `${id}_renamed`)),
  ),
  fc.tuple(anyId, fc.constantFrom(null, "s1", "s2")).map(
    ([id, parent]): Edit =>
      (draft) =>
        moveInto(draft, id, parent !== null && findStep(draft, parent) ? parent : null, [5, 5]),
  ),
  fc.tuple(anyId, fc.integer({ min: -500, max: 500 })).map(
    ([id, x]): Edit =>
      (draft) => {
        if (findStep(draft, id)) place(draft, id, [x, x]);
      },
  ),
  fc.tuple(anyId, anyId).map(
    ([a, b]): Edit =>
      (draft) => {
        const clip = copySteps(JSON.parse(JSON.stringify(draft)) as Workflow, [a, b], {});
        if (clip) pasteClip(draft, clip, null, [0, 0]);
      },
  ),
);

const start: Workflow = {
  ...newWorkflow("Laws"),
  steps: [step("s0"), step("s1", { body: { steps: [step("inner")], edges: [] } }), step("s2"), step("s3")],
  edges: [{ from: "s0", to: "s2" }],
};

describe("laws", () => {
  test("undo after do gives the document back, and redo what was done", () => {
    fc.assert(
      fc.property(fc.array(anyEdit, { maxLength: 12 }), (edits) => {
        let doc = start;
        for (const edit of edits) {
          const [next, patches, inverse] = produceWithPatches(doc, (draft) => edit(draft as Workflow));
          expect(applyPatches(next, inverse)).toEqual(doc);
          expect(applyPatches(doc, patches)).toEqual(next);
          doc = next;
        }
      }),
      { numRuns: 200 },
    );
  });

  test("whatever is done, ids are unique and edges lead from a step to a step of the same graph", () => {
    fc.assert(
      fc.property(fc.array(anyEdit, { maxLength: 12 }), (edits) => {
        const doc = edits.reduce((known, edit) => produce(known, (draft) => edit(draft as Workflow)), start);
        const seen: string[] = [];
        eachStep(doc, (each) => seen.push(each.id));
        expect(new Set(seen).size).toBe(seen.length);
        const graphs = [{ steps: doc.steps, edges: doc.edges }];
        eachStep(doc, (each) => each.body && graphs.push(each.body));
        for (const graph of graphs) {
          const here = new Set(graph.steps.map((each) => each.id));
          for (const edge of graph.edges) {
            expect(here.has(edge.from.split(".")[0] ?? "")).toBe(true);
            expect(here.has(edge.to)).toBe(true);
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});
