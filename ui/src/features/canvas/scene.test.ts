import { beforeEach, describe, expect, test } from "vitest";
import { setBackend } from "../../backend/backend";
import { memoryBackend, plainCheck } from "../../backend/memory";
import type { KindInfo } from "../../bindings/KindInfo";
import type { Workflow } from "../../bindings/Workflow";
import { edgeKey, findStep, newWorkflow, parentOf } from "../../state/document";
import { useEditor } from "../../state/editor";
import { useCanvas } from "./canvas-store";
import { addKind, connectSteps, deleteSelected, duplicateSelected, moveItems, nudge, rewire } from "./edits";
import { contains, curve, freePlace, fromOf, handleOf, OUT, pointAt, portHandle } from "./geometry";
import { createNodeMaker } from "./nodes";
import { around, between, distanceToRoute, middleOf, pathOfRoute, type Route } from "./routing";
import { edgeMarks, stepMarks } from "./run-marks";
import { buildScene, containerAt, edgeAt, itemAt } from "./scene";
import { walk } from "./walk";

function kind(name: string, ports: string[] = [], isContainer = false): KindInfo {
  return {
    kind: name,
    title: name,
    summary: "",
    category: "flow",
    icon: "box",
    ports: ports.map((port) => ({ name: port, title: port })),
    effect: "pure",
    isControl: false,
    isContainer,
    form: { fields: [] },
    schema: {},
    output: [],
  };
}

const task = kind("task");
const gate = kind("gate", ["pass", "fail"]);
const catalog = new Map([task, gate, kind("each", [], true)].map((each) => [each.kind, each]));

const doc: Workflow = {
  ...newWorkflow("Demo"),
  steps: [
    { id: "load", kind: "task" },
    { id: "check", kind: "gate" },
    { id: "loop", kind: "each", body: { steps: [{ id: "inner", kind: "task" }], edges: [] } },
    { id: "end", kind: "task" },
  ],
  edges: [
    { from: "load", to: "check" },
    { from: "check.pass", to: "loop" },
    { from: "load", to: "end", on: "error" },
  ],
  layout: { load: [0, 0], check: [300, 0], loop: [600, 0], inner: [20, 80], end: [300, 300] },
};

const scene = buildScene(doc, null, catalog);
const editor = () => useEditor.getState();
const shownDoc = (): Workflow => {
  const { doc: shown } = editor();
  if (!shown) throw new Error("no document is open");
  return shown;
};

describe("the scene", () => {
  test("places what stands in a container by its container", () => {
    expect(scene.items.get("inner")).toMatchObject({ x: 620, y: 80, at: [20, 80], parent: "loop" });
  });

  test("shows ports that an edge names and the kind does not know", () => {
    const odd = { ...doc, edges: [{ from: "load.strange", to: "end" }] };
    const shown = buildScene(odd, null, catalog);
    expect(shown.items.get("load")?.ports.map((port) => port.name)).toEqual(["strange"]);
    expect(shown.edges).toHaveLength(1);
  });

  test("draws what it can of a broken document", () => {
    const broken = { ...doc, edges: [{ from: "nowhere", to: "load" }, ...doc.edges] };
    expect(buildScene(broken, null, new Map()).edges).toHaveLength(3);
  });

  test("grows a container around what is dragged in it", () => {
    const grown = buildScene(doc, null, catalog, { inner: [500, 400] });
    expect(grown.items.get("loop")?.w).toBeGreaterThan(700);
    expect(grown.items.get("loop")?.h).toBeGreaterThan(450);
  });

  test("finds what is under a point", () => {
    expect(itemAt(scene, [630, 90])?.id).toBe("inner");
    expect(itemAt(scene, [610, 170])?.id).toBe("loop");
    expect(itemAt(scene, [-50, -50])).toBeNull();
    expect(containerAt(scene, [630, 90])?.id).toBe("loop");
    expect(containerAt(scene, [630, 90], new Set(["loop"]))).toBeNull();
    expect(edgeAt(scene, [260, 30], null)?.key).toBe("load->check");
    expect(edgeAt(scene, [260, 200], null, 10)).toBeNull();
  });

  test("finds room that is free", () => {
    const taken = [{ x: 0, y: 0, w: 220, h: 60 }];
    expect(freePlace([0, 0], [220, 60], taken)[1]).toBeGreaterThanOrEqual(60);
    expect(freePlace([400, 0], [220, 60], taken)).toEqual([400, 0]);
  });

  test("leads an edge on error around the cards between", () => {
    const from = { x: 0, y: 0, w: 220, h: 72 };
    const to = { x: 900, y: 0, w: 220, h: 72 };
    const cards = [
      { x: 300, y: 40, w: 220, h: 72 },
      { x: 600, y: 60, w: 220, h: 72 },
    ];
    const straight = curve(192, 72, 900, 36, "bottom");
    const hits = (route: Route) =>
      route
        .flatMap((part) => Array.from({ length: 24 }, (_, index) => pointAt(part, (index + 0.5) / 24)))
        .filter((at) => [from, to, ...cards].some((card) => contains(card, at))).length;
    expect(hits([straight])).toBeGreaterThan(0);
    const led = around(straight, cards, [from, to]);
    expect(hits(led)).toBe(0);
    expect([led[0]?.[0], led.at(-1)?.[3]]).toEqual([straight[0], straight[3]]);
    expect(around(straight, [], [from, to])).toEqual([straight]);
    expect(between(led, [192, 82], [900, 36])[0]?.[0]).toEqual([192, 82]);
    // A wall of cards from top to bottom: a lane below it, in lines with round corners.
    const wall = [0, 80, 160].map((y) => ({ x: 300, y, w: 500, h: 72 }));
    const low = around(straight, wall, [from, to]);
    expect(hits(low)).toBe(0);
    expect(low.length).toBeGreaterThan(1);
    for (const [index, part] of low.slice(1).entries()) expect(part[0]).toEqual(low[index]?.[3]);
    expect(pathOfRoute(low).match(/M/g)).toHaveLength(1);
    expect(distanceToRoute(low, middleOf(low))).toBeLessThan(1);
  });

  test("names handles and their edges both ways", () => {
    expect(fromOf("check", portHandle("pass"))).toEqual({ from: "check.pass", isError: false });
    expect(fromOf("load", handleOf(null, "error"))).toEqual({ from: "load", isError: true });
    expect(handleOf(null, undefined)).toBe(OUT);
  });
});

describe("walking", () => {
  test("follows the edges, then the nearest step", () => {
    expect(walk(scene, null, "right")).toBe("load");
    expect(walk(scene, "load", "right")).toBe("check");
    expect(walk(scene, "check", "left")).toBe("load");
    expect(walk(scene, "check", "down")).toBe("end");
    expect(walk(scene, "loop", "right")).toBe("inner");
    expect(walk(scene, "inner", "left")).toBe("loop");
  });
});

describe("nodes", () => {
  test("of unchanged cards stay the same objects, so that React draws nothing", () => {
    const make = createNodeMaker();
    const base = {
      problems: new Map(),
      targetProblems: new Map(),
      views: new Map(),
      used: new Map(),
      isLocked: false,
      dropContainer: null,
    };
    const first = make({ ...base, items: [...scene.items.values()], selected: new Set<string>() });
    const moved = buildScene(doc, null, catalog, { end: [320, 300] });
    const second = make({ ...base, items: [...moved.items.values()], selected: new Set(["check"]) });
    const isSame = (id: string) =>
      first.find((node) => node.id === id) === second.find((node) => node.id === id);
    expect(isSame("load")).toBe(true);
    expect(isSame("end")).toBe(false);
    expect(isSame("check")).toBe(false);
  });
});

describe("marks of a run", () => {
  test("show the most telling iteration of a loop", () => {
    const step = (status: "succeeded" | "failed" | "running") => ({
      status,
      attempt: 1,
      attempts: 1,
      with: {},
      output: null,
    });
    const view = {
      steps: {
        "loop[0]/inner": step("succeeded"),
        "loop[1]/inner": step("failed"),
        "loop[2]/inner": step("running"),
      },
      edges: { "loop[0]/a->b": { taken: true }, "loop[1]/a->b": { taken: false } },
    } as never;
    expect(stepMarks(view).get("inner")?.status).toBe("failed");
    expect(edgeMarks(view).get("a->b")?.taken).toBe(true);
    expect(stepMarks(null).size).toBe(0);
  });
});

describe("gestures", () => {
  beforeEach(() => {
    setBackend(memoryBackend());
    editor().load({
      document: doc,
      path: null,
      revision: null,
      readOnly: null,
      check: plainCheck(doc),
      draft: null,
      trust: { trusted: true, effects: [] },
    });
    useCanvas.setState({ scene });
  });

  test("add a step after another, with its edge, as one step of undo", () => {
    const id = addKind(task, { parent: null, from: { step: "check", handle: portHandle("fail") } });
    expect(id).toBe("task");
    expect(shownDoc().edges.map(edgeKey)).toContain("check.fail->task");
    expect(editor().selection.steps).toEqual(["task"]);
    editor().undo();
    expect(shownDoc()).toEqual(editor().doc);
    expect(findStep(shownDoc(), "task")).toBeUndefined();
  });

  test("insert on an edge, led on by the first port, and make room", () => {
    addKind(gate, { parent: null, edge: "load->check" });
    expect(shownDoc().edges.map(edgeKey)).toEqual(
      expect.arrayContaining(["load->gate", "gate.pass->check", "check.pass->loop"]),
    );
    expect(shownDoc().layout?.check?.[0]).toBeGreaterThan(300);
    expect(shownDoc().layout?.end).toEqual([300, 300]);
  });

  test("add into a container, below its heading", () => {
    addKind(task, { parent: "loop", at: [610, 10] });
    expect(parentOf(shownDoc(), "task")).toBe("loop");
    expect(shownDoc().layout?.task?.[1]).toBeGreaterThan(44);
  });

  test("refuse an edge that would close a circle", () => {
    connectSteps("loop", OUT, "load");
    expect(editor().past).toHaveLength(0);
  });

  test("lead an edge to another step, and keep what it says", () => {
    rewire("check.pass->loop", { target: "end" });
    expect(shownDoc().edges.map(edgeKey)).toContain("check.pass->end");
    rewire("check.pass->end", { source: "load", handle: OUT });
    expect(shownDoc().edges.map(edgeKey)).toContain("load->end");
  });

  test("delete several at once as one step of undo", () => {
    editor().select({ steps: ["load", "loop"], edges: [] });
    deleteSelected({ heal: false });
    expect(shownDoc().steps.map((step) => step.id)).toEqual(["check", "end"]);
    editor().undo();
    expect(shownDoc().steps).toHaveLength(4);
  });

  test("duplicate beside the original", () => {
    editor().select({ steps: ["loop"] });
    duplicateSelected();
    expect(findStep(shownDoc(), "inner_2")).toBeDefined();
    expect(shownDoc().layout?.loop_2?.[1]).toBeGreaterThan(180);
  });

  test("nudge again and again as one step of undo", () => {
    editor().select({ steps: ["end"] });
    nudge(20, 0);
    useCanvas.setState({ scene: buildScene(shownDoc(), null, catalog) });
    nudge(20, 0);
    expect(shownDoc().layout?.end).toEqual([340, 300]);
    expect(editor().past).toHaveLength(1);
  });

  test("move many by one drag", () => {
    moveItems({ load: [20, 20], end: [40, 40] });
    expect(editor().past).toHaveLength(1);
    moveItems({});
    expect(editor().past).toHaveLength(1);
  });
});
