/** The steps of a run as lines of a list. */
import type { RunView } from "../../bindings/RunView";
import type { Step } from "../../bindings/Step";
import type { StepView } from "../../bindings/StepView";
import { type Graph, inOrder } from "../../state/document";

export interface RunRow {
  /** `each[3]/score` */
  path: string;
  step: Step;
  depth: number;
  view: StepView | undefined;
  /** For a container: the body that the lines below it show. */
  index?: number;
}

/** The body that is shown when nobody chose one: the first that failed, else the newest. */
export function standardIndex(view: StepView | undefined): number {
  const iterations = view?.iterations;
  if (!iterations) {
    return 0;
  }
  return iterations.failed[0] ?? Math.max(0, iterations.started - 1);
}

/** The lines in order, bodies below their container. `chosen` says which body, by path of the container. */
export function runRows(
  view: Pick<RunView, "document" | "steps">,
  chosen: Readonly<Record<string, number>>,
): RunRow[] {
  const walk = (graph: Graph, prefix: string, depth: number): RunRow[] =>
    inOrder(graph).flatMap((step) => {
      const path = `${prefix}${step.id}`;
      const state = view.steps[path];
      if (!step.body) {
        return [{ path, step, depth, view: state }];
      }
      const index = chosen[path] ?? standardIndex(state);
      return [{ path, step, depth, view: state, index }, ...walk(step.body, `${path}[${index}]/`, depth + 1)];
    });
  return walk(view.document, "", 0);
}

/** `each[3]/score` → `each[3]/`, and `score`. */
export function splitPath(path: string): { prefix: string; id: string } {
  const cut = path.lastIndexOf("/") + 1;
  return { prefix: path.slice(0, cut), id: path.slice(cut).replace(/\[\d+\]$/, "") };
}

export interface EdgeLine {
  key: string;
  from: string;
  to: string;
}

/** The resolved edges that lead to a step and away from it. */
export function edgesOf(
  view: Pick<RunView, "edges">,
  path: string,
): { incoming: EdgeLine[]; outgoing: EdgeLine[] } {
  const { prefix, id } = splitPath(path);
  const incoming: EdgeLine[] = [];
  const outgoing: EdgeLine[] = [];
  for (const key of Object.keys(view.edges)) {
    if (!key.startsWith(prefix)) {
      continue;
    }
    const [from, rest] = key.slice(prefix.length).split("->");
    const to = rest?.replace(/!(?:error|always)$/, "");
    if (from === undefined || to === undefined || from.includes("/")) {
      continue;
    }
    const line = { key, from, to };
    if (to === id) {
      incoming.push(line);
    }
    if (from.split(".")[0] === id) {
      outgoing.push(line);
    }
  }
  return { incoming, outgoing };
}

/** How long a step took, or has taken so far. */
export function durationOf(step: StepView | undefined, now: number): number | null {
  return typeof step?.startedAt !== "number" ? null : (step.endedAt ?? now) - step.startedAt;
}
