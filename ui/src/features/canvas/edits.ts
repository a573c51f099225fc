import type { KindInfo } from "../../bindings/KindInfo";
import type { On } from "../../bindings/On";
import type { Step } from "../../bindings/Step";
import type { Workflow } from "../../bindings/Workflow";
import {
  addStep,
  bodyOf,
  type Clip,
  connect,
  copySteps,
  deleteEdges,
  deleteSteps,
  edgeKey,
  findEdge,
  findNote,
  findStep,
  graphOf,
  insertOnEdge,
  moveInto,
  parentOf,
  pasteClip,
  place,
  reaches,
  refusal,
  slugify,
  splitFrom,
  uniqueId,
  type XY,
} from "../../state/document";
import { useEditor } from "../../state/editor";
import { tell } from "../../state/tell";
import { type Search, takenIn, useCanvas } from "./canvas-store";
import {
  CARD_HEIGHT,
  CARD_WIDTH,
  CONTAINER_HEAD,
  CONTAINER_MIN,
  CONTAINER_PAD,
  cardHeight,
  ERROR,
  freePlace,
  fromOf,
  GAP,
  portHandle,
  snap,
} from "./geometry";
import { placesOf } from "./scene";

// What the canvas does to the document. Each function is one gesture and so one step of undo.

function edit(label: string, recipe: (draft: Workflow) => void, mergeKey?: string): void {
  const pinned = (draft: Workflow) => {
    recipe(draft);
    pinPlaces(draft);
  };
  useEditor.getState().edit(label, pinned, mergeKey === undefined ? {} : { mergeKey });
}

/** What stands on the canvas stays where it was drawn; without a place of its own it would be laid out anew. */
function pinPlaces(draft: Workflow): void {
  const { check } = useEditor.getState();
  if (!check) return;
  for (const [id, at] of Object.entries(check.layout)) {
    if (at && !draft.layout?.[id] && (findStep(draft, id) || findNote(draft, id))) place(draft, id, at);
  }
}

function select(steps: string[]): void {
  useEditor.getState().select({ steps });
}

function sizeOf(kind: KindInfo): XY {
  return kind.isContainer ? CONTAINER_MIN : [CARD_WIDTH, cardHeight(kind.ports.length)];
}

/** A new step of a kind, with an id that nothing else has. */
export function makeStep(doc: Workflow, kind: KindInfo): Step {
  const step: Step = { id: uniqueId(doc, slugify(kind.kind)), kind: kind.kind, name: kind.title };
  if (kind.isContainer) step.body = { steps: [], edges: [] };
  return step;
}

/** The outlet by which a step of this kind is usually left. */
function mainPort(kind: KindInfo): string | null {
  return kind.ports[0]?.name ?? null;
}

/** Moves what comes after a place to the right, so that something fits in between. */
function makeRoom(doc: Workflow, parent: string | null, target: string, needed: number): void {
  if (needed <= 0) return;
  const graph = bodyOf(doc, parent);
  const { items } = useCanvas.getState().scene;
  for (const step of graph.steps) {
    const item = items.get(step.id);
    if (item && (step.id === target || reaches(graph, target, step.id))) {
      place(doc, step.id, [item.at[0] + snap(needed + 9), item.at[1]]);
    }
  }
}

/** Adds a step where a search (or a drop) asked for it. Gives its id back. */
export function addKind(kind: KindInfo, search: Omit<Search, "screen">): string | null {
  const { doc } = useEditor.getState();
  const { scene, api } = useCanvas.getState();
  if (!doc) return null;
  if (search.replace !== undefined) {
    replaceKind(search.replace, kind);
    return search.replace;
  }
  const step = makeStep(doc, kind);
  const size = sizeOf(kind);
  const base = search.parent === null ? undefined : scene.items.get(search.parent);
  const origin: XY = [base?.x ?? 0, base?.y ?? 0];

  edit(`Add ${kind.title}`, (draft) => {
    if (search.edge !== undefined) {
      const found = scene.edges.find((each) => each.key === search.edge);
      const source = found && scene.items.get(found.source);
      const target = found && scene.items.get(found.target);
      if (!found || !source || !target) return;
      const after = snap(source.at[0] + source.w + GAP);
      const at: XY = search.at
        ? [
            // Never on the step before, where that stands to the left as usual.
            Math.max(
              snap(search.at[0] - origin[0] - size[0] / 2),
              target.at[0] > source.at[0] ? after : -1e6,
            ),
            snap(search.at[1] - origin[1] - size[1] / 2),
          ]
        : [after, snap((source.at[1] + target.at[1]) / 2)];
      makeRoom(draft, search.parent, found.target, at[0] + size[0] + GAP - target.at[0]);
      insertOnEdge(draft, found.key, step, mainPort(kind), at);
      return;
    }
    const from = search.from && scene.items.get(search.from.step);
    let at: XY;
    if (search.at) {
      at = [search.at[0] - origin[0], search.at[1] - origin[1]];
    } else if (from) {
      // What follows the first port stands beside the card, what follows the others below that.
      const row = from.ports.findIndex((port) => portHandle(port.name) === search.from?.handle);
      const isError = search.from?.handle === ERROR;
      const drop = isError ? from.h + 40 : Math.max(0, row) * (CARD_HEIGHT + 40);
      at = [from.at[0] + from.w + GAP, from.at[1] + drop];
    } else {
      const middle = api?.center() ?? [0, 0];
      at = [middle[0] - origin[0] - size[0] / 2, middle[1] - origin[1] - size[1] / 2];
    }
    if (search.parent !== null) at = inside(at);
    at = freePlace([snap(at[0]), snap(at[1])], size, takenIn(scene, search.parent));
    addStep(draft, search.parent, step, at);
    if (search.from) {
      const { from: outlet, isError } = fromOf(search.from.step, search.from.handle);
      connect(draft, search.parent, outlet, step.id, isError ? "error" : undefined);
    }
  });
  select([step.id]);
  return step.id;
}

/** A place inside a container, clear of its heading. */
function inside([x, y]: XY): XY {
  return [Math.max(CONTAINER_PAD, x), Math.max(CONTAINER_HEAD + CONTAINER_PAD, y)];
}

export function addNote(at: XY): void {
  const { doc } = useEditor.getState();
  if (!doc) return;
  const id = uniqueId(doc, "note");
  edit("Add note", (draft) => {
    draft.notes.push({ id, text: [] });
    place(draft, id, [snap(at[0]), snap(at[1])]);
  });
  useEditor.getState().select({ notes: [id] });
}

/** Gives a step another kind. Settings that the new kind does not know stay, as findings. */
function replaceKind(id: string, kind: KindInfo): void {
  edit(`Replace by ${kind.title}`, (draft) => {
    const step = findStep(draft, id);
    if (!step) return;
    step.kind = kind.kind;
    step.name = kind.title;
    const fields = new Set(kind.form.fields.map((field) => field.name));
    step.with = Object.fromEntries(Object.entries(step.with ?? {}).filter(([name]) => fields.has(name)));
    if (kind.isContainer) step.body ??= { steps: [], edges: [] };
    const ports = new Set(kind.ports.map((port) => port.name));
    for (const edge of graphOf(draft, id).edges) {
      const { step: source, port } = splitFrom(edge.from);
      if (source === id && port !== null && !ports.has(port))
        edge.from = mainPort(kind) ? `${id}.${mainPort(kind)}` : id;
    }
  });
}

/** Draws an edge from an outlet to a step; says so if that cannot be. */
export function connectSteps(source: string, handle: string, target: string): void {
  const { doc } = useEditor.getState();
  if (!doc) return;
  const parent = parentOf(doc, source);
  const { from, isError } = fromOf(source, handle);
  const reason =
    parentOf(doc, target) === parent
      ? refusal(bodyOf(doc, parent), from, target)
      : "an edge cannot cross the border of a container";
  if (reason !== null) {
    tell(`Not connected: ${reason}`);
    return;
  }
  edit("Connect", (draft) => {
    connect(draft, parent, from, target, isError ? "error" : undefined);
  });
}

/** Lets an edge lead from or to another step. */
export function rewire(key: string, end: { source: string; handle: string } | { target: string }): void {
  const { doc } = useEditor.getState();
  const found = doc && findEdge(doc, key);
  if (!doc || !found) return;
  const graph = bodyOf(doc, found.parent);
  const others = { ...graph, edges: graph.edges.filter((each) => edgeKey(each) !== key) };
  const next = { ...found.edge };
  if ("target" in end) next.to = end.target;
  else {
    const { from, isError } = fromOf(end.source, end.handle);
    next.from = from;
    delete next.on;
    if (isError) next.on = "error";
    else if (found.edge.on === "always") next.on = "always";
  }
  const reason = refusal(others, next.from, next.to);
  if (reason !== null) {
    tell(`Not connected: ${reason}`);
    return;
  }
  edit("Rewire", (draft) => {
    const edge = findEdge(draft, key)?.edge;
    if (!edge) return;
    edge.from = next.from;
    edge.to = next.to;
    if (next.on) edge.on = next.on;
    else delete edge.on;
  });
}

/** Takes away what is selected; `heal` joins the neighbours of deleted steps. */
export function deleteSelected(options: { heal: boolean }): void {
  const { selection } = useEditor.getState();
  const { steps, edges, notes } = selection;
  const count = steps.length + edges.length + notes.length;
  if (count === 0) return;
  edit(count === 1 ? "Delete" : `Delete ${count} items`, (draft) => {
    deleteEdges(draft, new Set(edges));
    deleteSteps(draft, [...steps, ...notes], options);
  });
}

export function deleteEdge(key: string): void {
  edit("Delete edge", (draft) => deleteEdges(draft, new Set([key])));
}

/** Moves items by hand: one step of undo for a drag, however many there are. */
export function moveItems(places: Readonly<Record<string, XY>>): void {
  if (Object.keys(places).length === 0) return;
  edit("Move", (draft) => {
    for (const [id, at] of Object.entries(places)) place(draft, id, at);
  });
}

export function nudge(dx: number, dy: number): void {
  const { selection } = useEditor.getState();
  const { items } = useCanvas.getState().scene;
  const ids = [...selection.steps, ...selection.notes];
  if (ids.length === 0) return;
  edit(
    "Move",
    (draft) => {
      for (const id of ids) {
        const item = items.get(id);
        if (item) place(draft, id, [item.at[0] + dx, item.at[1] + dy]);
      }
    },
    `nudge:${ids.join()}`,
  );
}

/** Drops a dragged step into a container, out of one, or on an edge. */
export function dropStep(id: string, target: { edge: string } | { parent: string | null }, at: XY): void {
  const { doc } = useEditor.getState();
  const { items } = useCanvas.getState().scene;
  if (!doc) return;
  if ("edge" in target) {
    edit("Insert on edge", (draft) => {
      const step = findStep(draft, id);
      if (!step) return;
      const port = items.get(id)?.ports[0]?.name ?? null;
      insertOnEdge(draft, target.edge, step, port, at);
    });
    return;
  }
  edit("Move into container", (draft) => {
    moveInto(draft, id, target.parent, target.parent === null ? at : inside(at));
  });
}

export function moveOut(id: string): void {
  const { doc } = useEditor.getState();
  const { items } = useCanvas.getState().scene;
  const parent = doc && parentOf(doc, id);
  const holder = parent ? items.get(parent) : undefined;
  if (!doc || !parent || !holder) return;
  const outer = parentOf(doc, parent);
  const item = items.get(id);
  const wanted: XY = [holder.at[0], snap(holder.at[1] + holder.h + 40)];
  const at = freePlace(
    wanted,
    [item?.w ?? CARD_WIDTH, item?.h ?? 60],
    takenIn(useCanvas.getState().scene, outer),
  );
  edit("Move out of container", (draft) => moveInto(draft, id, outer, at));
}

export function nameStep(id: string, name: string): void {
  const text = name.trim();
  const { doc } = useEditor.getState();
  const step = doc && findStep(doc, id);
  if (!step || text === (step.name ?? "")) return;
  edit("Rename", (draft) => {
    const target = findStep(draft, id);
    if (!target) return;
    if (text === "") delete target.name;
    else target.name = text;
  });
}

export function setNoteText(id: string, text: string): void {
  edit("Edit note", (draft) => {
    const note = findNote(draft, id);
    if (note && note.text.join("\n") !== text) note.text = text === "" ? [] : text.split("\n");
  });
}

export function sizeNote(id: string, at: XY, size: XY): void {
  edit("Resize note", (draft) => {
    const note = findNote(draft, id);
    if (note) note.size = [Math.round(size[0]), Math.round(size[1])];
    place(draft, id, at);
  });
}

/** Switches the selected steps off, or on if all of them are off. */
export function toggleDisabled(): void {
  const { selection, doc } = useEditor.getState();
  if (!doc || selection.steps.length === 0) return;
  const isOff = selection.steps.every((id) => findStep(doc, id)?.disabled);
  edit(isOff ? "Enable" : "Disable", (draft) => {
    for (const id of selection.steps) {
      const step = findStep(draft, id);
      if (!step) continue;
      if (isOff) delete step.disabled;
      else step.disabled = true;
    }
  });
}

export function setEdgeOn(key: string, on: On | null): void {
  edit("Change edge", (draft) => {
    const edge = findEdge(draft, key)?.edge;
    if (!edge) return;
    if (on === null) delete edge.on;
    else edge.on = on;
  });
  const { doc } = useEditor.getState();
  const [base] = key.split("!");
  const next = `${base}${on === null ? "" : `!${on}`}`;
  if (doc && findEdge(doc, next)) useEditor.getState().select({ edges: [next] });
}

/** Takes over places of a tidied document: all of them, or those of the selection. */
export function takeLayout(layout: Readonly<Record<string, XY>>, only: readonly string[]): void {
  edit("Tidy up", (draft) => {
    for (const [id, at] of Object.entries(layout)) {
      const isNote = findNote(draft, id) !== undefined;
      if (!isNote && (only.length === 0 || only.includes(id))) place(draft, id, at);
    }
  });
}

// ---- clipboard

export function copySelected(): Clip | null {
  const { doc, selection } = useEditor.getState();
  const { scene } = useCanvas.getState();
  return doc && copySteps(doc, [...selection.steps, ...selection.notes], placesOf(scene));
}

/** Pastes below the pointer, into the container under it. */
export function paste(clip: Clip, at: XY, parent: string | null, options: { keepInbound: boolean }): void {
  const { scene } = useCanvas.getState();
  const base = parent === null ? undefined : scene.items.get(parent);
  let ids: string[] = [];
  edit(clip.steps.length === 1 ? "Paste" : `Paste ${clip.steps.length} steps`, (draft) => {
    const local: XY = [snap(at[0] - (base?.x ?? 0)), snap(at[1] - (base?.y ?? 0))];
    ids = pasteClip(draft, clip, parent, parent === null ? local : inside(local), options);
  });
  const { doc } = useEditor.getState();
  const isNote = (id: string) => doc !== null && findNote(doc, id) !== undefined;
  useEditor.getState().select({ steps: ids.filter((id) => !isNote(id)), notes: ids.filter(isNote) });
}

/** Copies what is selected and puts the copy beside it. */
export function duplicateSelected(): void {
  const clip = copySelected();
  const { doc, selection } = useEditor.getState();
  const { items } = useCanvas.getState().scene;
  const chosen = [...selection.steps, ...selection.notes].flatMap((id) => items.get(id) ?? []);
  if (!clip || !doc || chosen.length === 0) return;
  const first = selection.steps[0];
  const parent = first === undefined ? null : parentOf(doc, first);
  const left = Math.min(...chosen.map((item) => item.x));
  const bottom = Math.max(...chosen.map((item) => item.y + item.h));
  paste(clip, [left, bottom + 40], parent, { keepInbound: false });
}
