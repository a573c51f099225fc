import { useQuery } from "@tanstack/react-query";
import { call } from "../../backend/call";
import type { RunView } from "../../bindings/RunView";
import type { Workflow } from "../../bindings/Workflow";
import type { WorkflowChecked } from "../../bindings/WorkflowChecked";
import { useEditor } from "../../state/editor";
import { useRun } from "../../state/run";

export type Shown = {
  doc: Workflow | null;
  check: WorkflowChecked | null;
  run: RunView | null;
  /** Nothing can be changed: a run is shown, or the file is read-only. */
  isLocked: boolean;
};

/** What the canvas shows: the document that is edited, or the one that a run is pinned to. */
export function useShown(): Shown {
  const doc = useEditor((editor) => editor.doc);
  const check = useEditor((editor) => editor.check);
  const readOnly = useEditor((editor) => editor.readOnly);
  const run = useRun((state) => state.view);
  const runDoc = run?.document ?? null;
  const isSame = run !== null && check !== null && run.summary.digest === check.digest && doc !== null;
  const { data } = useQuery({
    queryKey: ["check", run?.summary.digest ?? null],
    queryFn: () => call("workflow_check", { document: runDoc as Workflow, path: run?.summary.path ?? null }),
    enabled: runDoc !== null && !isSame,
  });
  if (run === null) return { doc, check, run, isLocked: readOnly !== null };
  // The layout is not part of the digest: the same definition is drawn where the reader has put it.
  return { doc: isSame ? doc : runDoc, check: isSame ? check : (data ?? null), run, isLocked: true };
}
