/** What going back to a step repeats, and what stays done. */
import type { RunView } from "../../bindings/RunView";
import { titleOf } from "../../state/document";
import { type RunRow, runRows } from "./run-rows";

export interface ResetPlan {
  /** Titles of the steps that stay done. */
  kept: string[];
  /** Titles of the steps that run again, the chosen one first. */
  repeated: string[];
  /** Those among them that act on the outside, and that did so already. */
  acted: string[];
}

/**
 * The plan for going back to `row`. What was finished before it began is not repeated; everything else that has begun is,
 * on other branches, too.
 */
export function resetPlan(view: RunView, row: RunRow, acts: (kind: string) => boolean): ResetPlan {
  const plan: ResetPlan = { kept: [], repeated: [titleOf(row.step)], acted: [] };
  const start = row.view?.startedAt ?? 0;
  if (row.view?.endedAt !== undefined && acts(row.step.kind)) plan.acted.push(titleOf(row.step));
  for (const other of runRows(view, {})) {
    const state = other.view;
    if (other.path === row.path || other.depth > 0 || !state || state.startedAt === undefined) continue;
    const title = titleOf(other.step);
    const isContainer = row.path.startsWith(`${other.path}[`);
    if (state.endedAt !== undefined && state.endedAt <= start && !isContainer) plan.kept.push(title);
    else if (!isContainer) {
      plan.repeated.push(title);
      if (state.endedAt !== undefined && acts(other.step.kind)) plan.acted.push(title);
    }
  }
  return plan;
}

/** Whether a step can be gone back to: it has begun, and is no part of a loop or sub-workflow. */
export function whyNotBackTo(row: RunRow): string | null {
  if (row.view === undefined || row.view.startedAt === undefined) {
    return "This step has not begun, so there is nothing to go back to";
  }
  if (row.depth > 0)
    return "Go back to the loop or scope around this step: a part of it does not begin alone";
  return null;
}
