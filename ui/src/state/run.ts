import { create } from "zustand";
import { type BackendError, toBackendError } from "../backend/backend";
import { callAt } from "../backend/call";
import { HERE, type Target } from "../backend/target";
import type { BackendEvent } from "../bindings/BackendEvent";
import type { RunView } from "../bindings/RunView";
import { normalize } from "./document";

const REFRESH_MS = 120;
/** How often a run elsewhere is read although nothing was told: the way there may be interrupted, or nobody works on it. */
const LOOK_AGAIN_MS = 2_500;
/** How many chosen bodies are read each time. */
const MAX_BODIES = 20;

type RunStore = {
  /** The run that the canvas shows; `null` while editing. */
  runId: string | null;
  /** Where it is. It stays there, whatever target is chosen meanwhile. */
  target: Target;
  view: RunView | null;
  /** Position of the time slider; `null` for live. */
  atSeq: number | null;
  error: BackendError | null;
  openRun(id: string, target?: Target): Promise<void>;
  closeRun(): void;
  setSeq(seq: number | null): void;
  /** Paths of the bodies that were chosen; of long loops, others may be left out. */
  bodies: readonly string[];
  /** Reads a body (`each[3]`) of a long loop if it was left out. */
  showBody(path: string): void;
  /** Reads the run again. */
  refresh(): Promise<void>;
  /** Takes in an event of the backend. */
  onEvent(event: BackendEvent): void;
};

let timer: ReturnType<typeof setTimeout> | undefined;
let looking: ReturnType<typeof setTimeout> | undefined;
let lastRefresh = 0;
let round = 0;

export const useRun = create<RunStore>()((set, get) => {
  /** At most one reading every `REFRESH_MS`, and one after the last event. */
  function refreshSoon(): void {
    if (timer !== undefined) return;
    const wait = Math.max(0, lastRefresh + REFRESH_MS - Date.now());
    timer = setTimeout(() => {
      timer = undefined;
      void get().refresh();
    }, wait);
  }

  /** What is elsewhere is looked after as long as it goes on. */
  function lookAgain(): void {
    clearTimeout(looking);
    looking = undefined;
    const { runId, target, view, atSeq } = get();
    const isOver = view !== null && hasEnded(view.summary.status) && get().error === null;
    if (runId === null || target === HERE || isOver) return;
    looking = setTimeout(() => {
      // A moment of the past stays as it is.
      if (atSeq === null || get().error !== null) void get().refresh();
      else lookAgain();
    }, LOOK_AGAIN_MS);
  }

  return {
    runId: null,
    target: HERE,
    view: null,
    atSeq: null,
    bodies: [],
    error: null,

    async openRun(id, target = HERE) {
      set({ runId: id, target, view: null, atSeq: null, bodies: [], error: null });
      await get().refresh();
    },

    closeRun() {
      clearTimeout(timer);
      clearTimeout(looking);
      timer = undefined;
      round += 1;
      set({ runId: null, target: HERE, view: null, atSeq: null, bodies: [], error: null });
    },

    setSeq(seq) {
      set({ atSeq: seq });
      refreshSoon();
    },

    showBody(path) {
      const { view, bodies } = get();
      if (!view?.leftOut) return;
      set({ bodies: [path, ...bodies.filter((other) => other !== path)].slice(0, MAX_BODIES) });
      if (!Object.keys(view.steps).some((step) => step.startsWith(`${path}/`))) refreshSoon();
    },

    async refresh() {
      const { runId, target, atSeq, bodies } = get();
      if (runId === null) return;
      round += 1;
      const mine = round;
      lastRefresh = Date.now();
      try {
        const view = await callAt(target, "run_get", {
          run: runId,
          ...(atSeq === null ? {} : { seq: atSeq }),
          ...(bodies.length === 0 ? {} : { bodies: [...bodies] }),
        });
        if (mine !== round) return;
        // The definition of a run never changes: the canvas keeps the one it has.
        const known = get().view;
        const document = known?.summary.id === runId ? known.document : normalize(view.document);
        set({ view: { ...view, document }, error: null });
      } catch (thrown) {
        if (mine === round) set({ error: toBackendError(thrown) });
      } finally {
        if (mine === round) lookAgain();
      }
    },

    onEvent(told) {
      const { runId, target, view, atSeq } = get();
      const isThere = told.type === "target" ? told.target === target : target === HERE;
      // Whoever missed what this Baton told has missed what it passed on, too.
      if (!isThere && told.type !== "lagged") return;
      const event = told.type === "target" ? told.event : told;
      if (event.type === "lagged") refreshSoon();
      if (event.type !== "run-advanced" || event.summary.id !== runId) return;
      if (atSeq === null) refreshSoon();
      else if (view) set({ view: { ...view, summary: event.summary } });
    },
  };
});

/** Whether a status is final. */
export function hasEnded(status: RunView["status"]): boolean {
  return status === "succeeded" || status === "failed" || status === "cancelled";
}

/** A short name for people: the number of a run, or the end of its id where runs have no numbers. */
export function runName({ id, number }: { id: string; number: number }): string {
  return number > 0 ? String(number) : id.slice(-6);
}
