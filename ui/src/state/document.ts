import type { Edge } from "../bindings/Edge";
import type { Note } from "../bindings/Note";
import type { On } from "../bindings/On";
import type { Step } from "../bindings/Step";
import type { Workflow } from "../bindings/Workflow";

// Reading and changing a workflow. The functions that change take a draft (inside `edit`) and change it in place;
// everything else leaves the document alone. What is *valid* is not decided here: Rust says that.

export type XY = [number, number];

/** Steps and edges of one level: the workflow itself, or the body of a container. */
export type Graph = { steps: Step[]; edges: Edge[] };

/** A document as files may hold it, with the lists that may be missing filled in. */
export function normalize(doc: Workflow): Workflow {
  const steps = (list: Step[] | undefined): Step[] =>
    (list ?? []).map((step) =>
      step.body
        ? { ...step, body: { ...step.body, steps: steps(step.body.steps), edges: step.body.edges ?? [] } }
        : step,
    );
  return {
    ...doc,
    triggers: doc.triggers ?? [],
    notes: doc.notes ?? [],
    edges: doc.edges ?? [],
    steps: steps(doc.steps),
    layout: doc.layout ?? {},
  };
}

export function newWorkflow(name = "Untitled workflow"): Workflow {
  return {
    $schema: "https://baton.invalid/schema/1/workflow.schema.json",
    format: 1,
    id: slugify(name, "workflow"),
    name,
    triggers: [],
    steps: [],
    edges: [],
    notes: [],
    layout: {},
  };
}

// ---- reading

/** `gate.fail` is the port `fail` of the step `gate`. */
export function splitFrom(from: string): { step: string; port: string | null } {
  const dot = from.indexOf(".");
  return dot < 0 ? { step: from, port: null } : { step: from.slice(0, dot), port: from.slice(dot + 1) };
}

/** How events, problems and the canvas name an edge; the same as `Edge::key` in Rust. */
export function edgeKey(edge: Edge): string {
  return `${edge.from}->${edge.to}${edge.on ? `!${edge.on}` : ""}`;
}

/** Calls `visit` with every step, outer before inner, with the ids of its containers. */
export function eachStep(doc: Workflow, visit: (step: Step, parents: readonly string[]) => void): void {
  const walk = (steps: Step[], parents: readonly string[]): void => {
    for (const step of steps) {
      visit(step, parents);
      if (step.body) walk(step.body.steps, [...parents, step.id]);
    }
  };
  walk(doc.steps, []);
}

export function findStep(doc: Workflow, id: string): Step | undefined {
  const search = (steps: Step[]): Step | undefined => {
    for (const step of steps) {
      if (step.id === id) return step;
      const inner = step.body && search(step.body.steps);
      if (inner) return inner;
    }
    return undefined;
  };
  return search(doc.steps);
}

export function findNote(doc: Workflow, id: string): Note | undefined {
  return doc.notes.find((note) => note.id === id);
}

/** Id of the container that holds the step; `null` for the workflow itself. */
export function parentOf(doc: Workflow, id: string): string | null {
  let found: string | null = null;
  eachStep(doc, (step, parents) => {
    if (step.id === id) found = parents.at(-1) ?? null;
  });
  return found;
}

/** The graph of a container, or of the workflow for `null`. A container without a body gets one if it can. */
export function bodyOf(doc: Workflow, parent: string | null): Graph {
  if (parent === null) return doc;
  const step = findStep(doc, parent);
  if (!step) return doc;
  if (!step.body && !Object.isFrozen(step)) step.body = { steps: [], edges: [] };
  return step.body ?? { steps: [], edges: [] };
}

/** The graph in which the step stands. */
export function graphOf(doc: Workflow, id: string): Graph {
  return bodyOf(doc, parentOf(doc, id));
}

export function findEdge(doc: Workflow, key: string): { edge: Edge; parent: string | null } | undefined {
  const inTop = doc.edges.find((edge) => edgeKey(edge) === key);
  if (inTop) return { edge: inTop, parent: null };
  let found: { edge: Edge; parent: string | null } | undefined;
  eachStep(doc, (step) => {
    const edge = step.body?.edges.find((each) => edgeKey(each) === key);
    if (edge) found ??= { edge, parent: step.id };
  });
  return found;
}

/** What people call a step: its name, else its id. */
export function titleOf(step: Step): string {
  return step.name || step.id;
}

/** Steps that must have ended before `id` can start, in its own graph and around it: what its expressions can see. */
export function stepsBefore(doc: Workflow, id: string): Step[] {
  const before: Step[] = [];
  const seen = new Set<string>([id]);
  let at: string | null = id;
  while (at !== null) {
    const graph = graphOf(doc, at);
    const queue = [at];
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      for (const edge of graph.edges) {
        if (edge.to !== next) continue;
        const { step: source } = splitFrom(edge.from);
        if (seen.has(source)) continue;
        seen.add(source);
        queue.push(source);
        const step = graph.steps.find((each) => each.id === source);
        if (step) before.push(step);
      }
    }
    at = parentOf(doc, at);
    if (at !== null) seen.add(at);
  }
  return before;
}

/** Whether `to` can be reached from `from` along the edges. */
export function reaches(graph: Graph, from: string, to: string): boolean {
  const seen = new Set<string>();
  const queue = [from];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (next === to) return true;
    if (seen.has(next)) continue;
    seen.add(next);
    for (const edge of graph.edges) if (splitFrom(edge.from).step === next) queue.push(edge.to);
  }
  return false;
}

/** Steps of one graph so that each comes after those it waits for; ties and cycles in document order. */
export function inOrder(graph: Graph): Step[] {
  const waits = new Map(graph.steps.map((step) => [step.id, 0]));
  const after = new Map<string, string[]>();
  for (const edge of graph.edges) {
    const source = splitFrom(edge.from).step;
    if (!waits.has(source) || !waits.has(edge.to)) continue;
    waits.set(edge.to, (waits.get(edge.to) ?? 0) + 1);
    after.set(source, [...(after.get(source) ?? []), edge.to]);
  }
  const byId = new Map(graph.steps.map((step) => [step.id, step]));
  const ordered: Step[] = [];
  const queue = graph.steps.filter((step) => waits.get(step.id) === 0).map((step) => step.id);
  for (let head = 0; head < queue.length; head += 1) {
    const id = queue[head] as string;
    const step = byId.get(id);
    if (step) ordered.push(step);
    byId.delete(id);
    for (const next of after.get(id) ?? []) {
      const left = (waits.get(next) ?? 0) - 1;
      waits.set(next, left);
      if (left === 0) queue.push(next);
    }
  }
  return [...ordered, ...byId.values()];
}

export function isSlug(text: string): boolean {
  return /^[a-z][a-z0-9_]{0,63}$/.test(text);
}

/** A slug made of a name: `Load customers` becomes `load_customers`. */
export function slugify(text: string, fallback = "step"): string {
  const slug = text
    .normalize("NFKD")
    .replace(/[\u0300-\u036f]/g, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^[^a-z]+|_+$/g, "")
    .slice(0, 64);
  return slug || fallback;
}

/** An id that no step and no note has: `base`, else `base_2`, `base_3` … */
export function uniqueId(doc: Workflow, base: string, alsoTaken: ReadonlySet<string> = new Set()): string {
  const taken = new Set<string>(alsoTaken);
  eachStep(doc, (step) => taken.add(step.id));
  for (const note of doc.notes) taken.add(note.id);
  const stem = slugify(base);
  if (!taken.has(stem)) return stem;
  const root = stem.replace(/_\d+$/, "").slice(0, 58);
  for (let count = 2; ; count += 1) {
    const id = `${root}_${count}`;
    if (!taken.has(id)) return id;
  }
}

// ---- changing

function mapTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === "string") return change(value);
  if (Array.isArray(value)) return value.map((each) => mapTexts(each, change));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, mapTexts(each, change)]));
  }
  return value;
}

/** Rewrites `steps.<from>` in an expression; a longer name that begins alike stays. */
export function renameReference(text: string, renames: ReadonlyMap<string, string>): string {
  return text.replace(/(^|[^\w.`]|\$\.)steps\.(\w+)/g, (all, before: string, id: string) => {
    const next = renames.get(id);
    return next === undefined ? all : `${before}steps.${next}`;
  });
}

function renameInStep(step: Step, renames: ReadonlyMap<string, string>): void {
  const change = (text: string) => renameReference(text, renames);
  if (step.with) step.with = mapTexts(step.with, change) as Record<string, unknown>;
  if (step.retry?.when) step.retry.when = change(step.retry.when);
  if (step.undo?.with) step.undo.with = mapTexts(step.undo.with, change) as Record<string, unknown>;
  for (const edge of step.body?.edges ?? []) if (edge.when) edge.when = change(edge.when);
  for (const inner of step.body?.steps ?? []) renameInStep(inner, renames);
}

function renameEnds(edges: Edge[], renames: ReadonlyMap<string, string>): void {
  for (const edge of edges) {
    const { step, port } = splitFrom(edge.from);
    const from = renames.get(step);
    if (from !== undefined) edge.from = port === null ? from : `${from}.${port}`;
    edge.to = renames.get(edge.to) ?? edge.to;
  }
}

/** Gives a step another id, everywhere it is named: edges, layout and expressions. */
export function renameStep(doc: Workflow, from: string, to: string): void {
  const step = findStep(doc, from);
  if (!step || from === to) return;
  const renames = new Map([[from, to]]);
  renameEnds(graphOf(doc, from).edges, renames);
  step.id = to;
  for (const each of doc.steps) renameInStep(each, renames);
  for (const edge of doc.edges) if (edge.when) edge.when = renameReference(edge.when, renames);
  const place = doc.layout?.[from];
  if (doc.layout && place) {
    delete doc.layout[from];
    doc.layout[to] = place;
  }
}

export function place(doc: Workflow, id: string, at: XY): void {
  doc.layout ??= {};
  doc.layout[id] = [Math.round(at[0]), Math.round(at[1])];
}

/** Puts a step into a graph. */
export function addStep(doc: Workflow, parent: string | null, step: Step, at?: XY): void {
  bodyOf(doc, parent).steps.push(step);
  if (at) place(doc, step.id, at);
}

export function hasEdge(graph: Graph, edge: Edge): boolean {
  const key = edgeKey(edge);
  return graph.edges.some((each) => edgeKey(each) === key);
}

/** Why `to` cannot wait for `from` here; `null` if it can. */
export function refusal(graph: Graph, from: string, to: string): string | null {
  const source = splitFrom(from).step;
  if (source === to) return "a step cannot wait for itself";
  if (!graph.steps.some((step) => step.id === to)) return "an edge cannot leave its container";
  if (reaches(graph, to, source)) return "this would close a circle; use Repeat for loops";
  return null;
}

/** Draws an edge, if it may be drawn and is not there yet. */
export function connect(
  doc: Workflow,
  parent: string | null,
  from: string,
  to: string,
  on?: On,
): Edge | null {
  const graph = bodyOf(doc, parent);
  const edge: Edge = on ? { from, to, on } : { from, to };
  if (refusal(graph, from, to) !== null || hasEdge(graph, edge)) return null;
  graph.edges.push(edge);
  return edge;
}

export function deleteEdges(doc: Workflow, gone: ReadonlySet<string>): void {
  const keep = (edges: Edge[]) => edges.filter((edge) => !gone.has(edgeKey(edge)));
  doc.edges = keep(doc.edges);
  eachStep(doc, (step) => {
    if (step.body) step.body.edges = keep(step.body.edges);
  });
}

/** Joins what came before `id` to what came after it. */
function heal(graph: Graph, id: string): void {
  const incoming = graph.edges.filter((edge) => edge.to === id);
  const outgoing = graph.edges.filter((edge) => splitFrom(edge.from).step === id && edge.on !== "error");
  for (const before of incoming) {
    for (const after of outgoing) {
      const edge: Edge = { ...before, to: after.to };
      if (after.when && !edge.when) edge.when = after.when;
      if (refusal(graph, edge.from, edge.to) === null && !hasEdge(graph, edge)) graph.edges.push(edge);
    }
  }
}

/** Takes steps and notes away, with their edges; `heal` joins their neighbours. */
export function deleteSteps(doc: Workflow, ids: Iterable<string>, options: { heal?: boolean } = {}): void {
  for (const id of ids) {
    doc.notes = doc.notes.filter((note) => note.id !== id);
    const step = findStep(doc, id);
    if (step) {
      const graph = graphOf(doc, id);
      if (options.heal) heal(graph, id);
      graph.edges = graph.edges.filter((edge) => edge.to !== id && splitFrom(edge.from).step !== id);
      graph.steps = graph.steps.filter((each) => each.id !== id);
      for (const inner of stepIds([step])) if (doc.layout) delete doc.layout[inner];
    } else if (doc.layout) delete doc.layout[id];
  }
}

function stepIds(steps: Step[]): string[] {
  return steps.flatMap((step) => [step.id, ...stepIds(step.body?.steps ?? [])]);
}

/** Puts `step` between the two ends of an edge; its plain or given port leads on. */
export function insertOnEdge(doc: Workflow, key: string, step: Step, outPort: string | null, at?: XY): void {
  const found = findEdge(doc, key);
  if (!found) return;
  const { edge, parent } = found;
  const graph = bodyOf(doc, parent);
  const target = edge.to;
  if (!graph.steps.some((each) => each.id === step.id)) graph.steps.push(step);
  edge.to = step.id;
  graph.edges.push({ from: outPort === null ? step.id : `${step.id}.${outPort}`, to: target });
  if (at) place(doc, step.id, at);
}

/** Moves a step (with its edges cut) into another graph. */
export function moveInto(doc: Workflow, id: string, parent: string | null, at: XY): void {
  const step = findStep(doc, id);
  if (!step || parent === id || parentOf(doc, id) === parent) return;
  if (parent !== null && stepIds([step]).includes(parent)) return;
  const copy = JSON.parse(JSON.stringify(step)) as Step;
  const inner = Object.fromEntries(
    stepIds(step.body?.steps ?? []).flatMap((each) => (doc.layout?.[each] ? [[each, doc.layout[each]]] : [])),
  );
  deleteSteps(doc, [id]);
  addStep(doc, parent, copy, at);
  doc.layout = { ...doc.layout, ...inner };
}

// ---- clipboard

/** Steps as text: what copy writes and paste reads. */
export type Clip = {
  baton: "steps";
  steps: Step[];
  edges: Edge[];
  /** Edges that lead in from steps that were not copied. */
  inbound: Edge[];
  notes: Note[];
  layout: Record<string, XY>;
};

/** Copies steps and notes of one level, with the edges between them. */
export function copySteps(
  doc: Workflow,
  ids: readonly string[],
  places: Readonly<Record<string, XY>>,
): Clip | null {
  const chosen = new Set(ids);
  const first = ids.find((id) => findStep(doc, id));
  const graph = first === undefined ? { steps: [], edges: [] } : graphOf(doc, first);
  const steps = graph.steps.filter((step) => chosen.has(step.id));
  const notes = doc.notes.filter((note) => chosen.has(note.id));
  if (steps.length === 0 && notes.length === 0) return null;
  const inside = new Set(steps.map((step) => step.id));
  const isFromInside = (edge: Edge) => inside.has(splitFrom(edge.from).step);
  const layout: Record<string, XY> = {};
  for (const id of [...stepIds(steps), ...notes.map((note) => note.id)]) {
    const at = places[id];
    if (at) layout[id] = at;
  }
  return structuredClone({
    baton: "steps",
    steps,
    edges: graph.edges.filter((edge) => inside.has(edge.to) && isFromInside(edge)),
    inbound: graph.edges.filter((edge) => inside.has(edge.to) && !isFromInside(edge)),
    notes,
    layout,
  });
}

/** Reads a clip from text; `null` for any other text. */
export function parseClip(text: string): Clip | null {
  try {
    const value = JSON.parse(text) as Partial<Clip> | null;
    if (value?.baton !== "steps" || !Array.isArray(value.steps)) return null;
    return {
      baton: "steps",
      steps: value.steps,
      edges: value.edges ?? [],
      inbound: value.inbound ?? [],
      notes: value.notes ?? [],
      layout: value.layout ?? {},
    };
  } catch {
    return null;
  }
}

/** Puts a clip into a graph with its top left corner at `at`, under new ids. Gives the new ids back. */
export function pasteClip(
  doc: Workflow,
  clip: Clip,
  parent: string | null,
  at: XY,
  options: { keepInbound?: boolean } = {},
): string[] {
  const { steps, edges, inbound, notes, layout } = structuredClone(clip);
  const renames = new Map<string, string>();
  const taken = new Set<string>();
  for (const id of [...stepIds(steps), ...notes.map((note) => note.id)]) {
    const next = uniqueId(doc, id, taken);
    renames.set(id, next);
    taken.add(next);
  }
  const top = [...steps.map((step) => step.id), ...notes.map((note) => note.id)];
  const xs = top.flatMap((id) => layout[id]?.[0] ?? []);
  const ys = top.flatMap((id) => layout[id]?.[1] ?? []);
  const left = xs.length > 0 ? Math.min(...xs) : 0;
  const upper = ys.length > 0 ? Math.min(...ys) : 0;
  for (const [id, [x, y]] of Object.entries(layout)) {
    const next = renames.get(id);
    if (next) place(doc, next, top.includes(id) ? [x - left + at[0], y - upper + at[1]] : [x, y]);
  }
  const rename = (step: Step): void => {
    step.id = renames.get(step.id) ?? step.id;
    if (step.body) {
      renameEnds(step.body.edges ?? [], renames);
      for (const inner of step.body.steps) rename(inner);
    }
  };
  for (const step of steps) {
    rename(step);
    renameInStep(step, renames);
  }
  const graph = bodyOf(doc, parent);
  graph.steps.push(...steps);
  const kept = options.keepInbound
    ? inbound.filter((edge) => graph.steps.some((step) => step.id === splitFrom(edge.from).step))
    : [];
  renameEnds(edges, renames);
  for (const edge of kept) edge.to = renames.get(edge.to) ?? edge.to;
  for (const edge of [...edges, ...kept]) {
    if (edge.when) edge.when = renameReference(edge.when, renames);
    graph.edges.push(edge);
  }
  for (const note of notes) doc.notes.push({ ...note, id: renames.get(note.id) ?? note.id });
  return top.map((id) => renames.get(id) ?? id);
}
