import type { EdgeView } from "../../bindings/EdgeView";
import type { RunView } from "../../bindings/RunView";
import type { StepView } from "../../bindings/StepView";

/** How telling a state is, where a step of a loop has several. */
const WEIGHT: Record<StepView["status"], number> = {
  failed: 9,
  "undo-failed": 9,
  "outcome-unknown": 8,
  running: 7,
  undoing: 7,
  cancelling: 7,
  retrying: 6,
  waiting: 5,
  succeeded: 4,
  undone: 3,
  cancelled: 2,
  skipped: 1,
};

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** States by step id; of the iterations of a loop the most telling one, later ones first. */
export function stepMarks(view: RunView | null): ReadonlyMap<string, StepView> {
  const marks = new Map<string, StepView>();
  for (const [path, step] of Object.entries(view?.steps ?? {})) {
    const id = lastPart(path);
    const known = marks.get(id);
    if (!known || WEIGHT[step.status] >= WEIGHT[known.status]) marks.set(id, step);
  }
  return marks;
}

/** Resolved edges by key; taken if it was taken in any iteration. */
export function edgeMarks(view: RunView | null): ReadonlyMap<string, EdgeView> {
  const marks = new Map<string, EdgeView>();
  for (const [path, edge] of Object.entries(view?.edges ?? {})) {
    const key = lastPart(path);
    if (!marks.get(key)?.taken) marks.set(key, edge);
  }
  return marks;
}
