import { applyPatches, enablePatches, type Patch, produceWithPatches } from "immer";
import { create } from "zustand";
import { type BackendError, toBackendError } from "../backend/backend";
import { call } from "../backend/call";
import type { Draft } from "../bindings/Draft";
import type { Trust } from "../bindings/Trust";
import type { Workflow } from "../bindings/Workflow";
import type { WorkflowChecked } from "../bindings/WorkflowChecked";
import type { WorkflowOpened } from "../bindings/WorkflowOpened";
import type { WorkflowSaved } from "../bindings/WorkflowSaved";
import { eachStep, edgeKey, normalize } from "./document";
import { whyNot } from "./rights";

enablePatches();

const JOURNAL_MS = 150;
const MERGE_MS = 1_500;

/** One step of undo: what one gesture did. */
type Entry = {
  id: number;
  label: string;
  mergeKey: string | null;
  at: number;
  patches: Patch[];
  inverse: Patch[];
};

export type Selection = { steps: string[]; edges: string[]; notes: string[] };

const NOTHING_SELECTED: Selection = { steps: [], edges: [], notes: [] };

/** Where the edits are: only in this window, or in the journal of the Rust side. */
export type Journal = "kept" | "pending" | "failed";

type EditorState = {
  doc: Workflow | null;
  /** File of the document; `null` if it was never saved. */
  path: string | null;
  /** Names the draft: the path, or `untitled:<n>`. */
  draftKey: string;
  revision: string | null;
  /** Why it cannot be changed. */
  readOnly: string | null;
  /** Differs from the file. */
  dirty: boolean;
  journal: Journal;
  check: WorkflowChecked | null;
  /** The check is older than the document. */
  isChecking: boolean;
  checkError: BackendError | null;
  trust: Trust | null;
  /** Edits of an earlier session that wait for "keep" or "discard". */
  recovered: Draft | null;
  /** The file was changed by another program. */
  changedOnDisk: boolean;
  selection: Selection;
  past: Entry[];
  future: Entry[];
  /** `past.at(-1)?.id` when the document was the same as the file. */
  savedAt: number;
};

type EditorActions = {
  /** Shows an opened document. */
  load(opened: WorkflowOpened): void;
  /** Shows a document that has no file yet. */
  loadNew(doc: Workflow, draft?: Draft): void;
  close(): void;
  /**
   * Changes the document: one gesture, one step of undo. Edits with the same `mergeKey` in quick succession
   * (typing, nudging) become one step.
   */
  edit(label: string, recipe: (draft: Workflow) => void, options?: { mergeKey?: string }): void;
  undo(): void;
  redo(): void;
  select(selection: Partial<Selection>): void;
  clearSelection(): void;
  /** The document was written to `saved.path`, as it was when `stamp` was the newest edit. */
  markSaved(saved: WorkflowSaved, stamp: number): void;
  setTrust(trust: Trust): void;
  setRecovered(draft: Draft | null): void;
  setChangedOnDisk(isChanged: boolean): void;
  /** Checks the document now, without waiting for the next pause. */
  checkNow(): Promise<WorkflowChecked | null>;
  /** Resolves when every edit so far is in the journal. */
  flush(): Promise<void>;
};

export type EditorStore = EditorState & EditorActions;

const EMPTY: EditorState = {
  doc: null,
  path: null,
  draftKey: "",
  revision: null,
  readOnly: null,
  dirty: false,
  journal: "kept",
  check: null,
  isChecking: false,
  checkError: null,
  trust: null,
  recovered: null,
  changedOnDisk: false,
  selection: NOTHING_SELECTED,
  past: [],
  future: [],
  savedAt: 0,
};

let lastEntry = 0;
let journalTimer: ReturnType<typeof setTimeout> | undefined;
let checkRound = 0;
/** The journal is written one edit after another, so that an older one never overtakes a newer one. */
let writing: Promise<void> = Promise.resolve();

/** Names the newest edit; 0 if there is none. */
export function stampOf(state: Pick<EditorState, "past">): number {
  return state.past.at(-1)?.id ?? 0;
}

export const useEditor = create<EditorStore>()((set, get) => {
  function changed(next: Partial<EditorState> & { doc: Workflow }): void {
    set((state) => {
      const merged = { ...state, ...next };
      return {
        ...next,
        dirty: stampOf(merged) !== merged.savedAt,
        journal: "pending",
        isChecking: true,
        selection: existing(next.doc, state.selection),
      };
    });
    clearTimeout(journalTimer);
    journalTimer = setTimeout(() => {
      void write();
      void get().checkNow();
    }, JOURNAL_MS);
  }

  function write(): Promise<void> {
    clearTimeout(journalTimer);
    journalTimer = undefined;
    writing = writing.then(async () => {
      const { doc, draftKey, revision, journal, dirty } = get();
      if (!doc || journal === "kept") return;
      try {
        if (dirty) await call("draft_put", { key: draftKey, document: doc, base: revision });
        else await call("draft_discard", { key: draftKey });
        if (get().doc === doc) set({ journal: "kept" });
      } catch (thrown) {
        console.error("the edit could not be kept", thrown);
        if (get().doc === doc) set({ journal: "failed" });
      }
    });
    return writing;
  }

  function show(state: Partial<EditorState>): void {
    clearTimeout(journalTimer);
    journalTimer = undefined;
    checkRound += 1;
    set({ ...EMPTY, ...state });
  }

  return {
    ...EMPTY,

    load(opened) {
      show({
        doc: normalize(opened.document),
        path: opened.path,
        draftKey: opened.path ?? newDraftKey(),
        revision: opened.revision,
        readOnly: opened.readOnly ?? whyNot("draft_put"),
        check: opened.check,
        trust: opened.trust,
        recovered: opened.draft,
      });
    },

    loadNew(doc, draft) {
      show({
        doc: normalize(doc),
        draftKey: draft?.key ?? newDraftKey(),
        revision: draft?.base ?? null,
        readOnly: whyNot("draft_put"),
        trust: { trusted: true, effects: [] },
        // A recovered document differs from every file: no edit is the saved one.
        ...(draft ? { savedAt: -1, dirty: true } : {}),
      });
      void get().checkNow();
    },

    close() {
      show({});
    },

    edit(label, recipe, options) {
      const { doc, readOnly, past, future, savedAt } = get();
      if (!doc || readOnly !== null) return;
      const [next, patches, inverse] = produceWithPatches(doc, (draft) => {
        recipe(draft as Workflow);
      });
      if (patches.length === 0) return;
      const mergeKey = options?.mergeKey ?? null;
      const top = past.at(-1);
      const now = Date.now();
      const merges =
        top &&
        mergeKey !== null &&
        top.mergeKey === mergeKey &&
        future.length === 0 &&
        top.id !== savedAt &&
        now - top.at < MERGE_MS;
      lastEntry += 1;
      const entry: Entry = merges
        ? { ...top, at: now, patches: [...top.patches, ...patches], inverse: [...inverse, ...top.inverse] }
        : { id: lastEntry, label, mergeKey, at: now, patches, inverse };
      changed({ doc: next, past: [...(merges ? past.slice(0, -1) : past), entry], future: [] });
    },

    undo() {
      const { doc, past, future, readOnly } = get();
      const entry = past.at(-1);
      if (!doc || !entry || readOnly !== null) return;
      changed({
        doc: applyPatches(doc, entry.inverse),
        past: past.slice(0, -1),
        future: [entry, ...future],
      });
    },

    redo() {
      const { doc, past, future, readOnly } = get();
      const entry = future[0];
      if (!doc || !entry || readOnly !== null) return;
      changed({ doc: applyPatches(doc, entry.patches), past: [...past, entry], future: future.slice(1) });
    },

    select(selection) {
      set({ selection: { ...NOTHING_SELECTED, ...selection } });
    },

    clearSelection() {
      set({ selection: NOTHING_SELECTED });
    },

    markSaved(saved, stamp) {
      set((state) => ({
        path: saved.path,
        draftKey: saved.path,
        revision: saved.revision,
        savedAt: stamp,
        dirty: stampOf(state) !== stamp,
        // Edits made while it was being saved belong to the draft of the file now.
        journal: stampOf(state) === stamp ? "kept" : "pending",
        changedOnDisk: false,
        recovered: null,
      }));
      if (get().dirty) void write();
    },

    setTrust(trust) {
      set({ trust });
    },

    setRecovered(recovered) {
      set({ recovered });
    },

    setChangedOnDisk(changedOnDisk) {
      set({ changedOnDisk });
    },

    async checkNow() {
      const { doc, path } = get();
      if (!doc) return null;
      checkRound += 1;
      const round = checkRound;
      set({ isChecking: true });
      try {
        const check = await call("workflow_check", { document: doc, path });
        if (round === checkRound) set({ check, isChecking: false, checkError: null });
        return check;
      } catch (thrown) {
        if (round === checkRound) set({ isChecking: false, checkError: toBackendError(thrown) });
        return null;
      }
    },

    flush: () => write(),
  };
});

let draftCount = 0;

/** A key that no draft of an earlier session has. */
function newDraftKey(): string {
  draftCount += 1;
  return `untitled:${Date.now() + draftCount}`;
}

/** The part of a selection that is still there. */
function existing(doc: Workflow, selection: Selection): Selection {
  const steps = new Set<string>();
  const edges = new Set(doc.edges.map(edgeKey));
  eachStep(doc, (step) => {
    steps.add(step.id);
    for (const edge of step.body?.edges ?? []) edges.add(edgeKey(edge));
  });
  const notes = new Set(doc.notes.map((note) => note.id));
  const next = {
    steps: selection.steps.filter((id) => steps.has(id)),
    edges: selection.edges.filter((key) => edges.has(key)),
    notes: selection.notes.filter((id) => notes.has(id)),
  };
  const isSame =
    next.steps.length === selection.steps.length &&
    next.edges.length === selection.edges.length &&
    next.notes.length === selection.notes.length;
  return isSame ? selection : next;
}
