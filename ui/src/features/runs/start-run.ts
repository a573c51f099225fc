/** Starting a run: what the Run button, its key and the panels do. */
import { create } from "zustand";
import { toBackendError } from "../../backend/backend";
import { callAt } from "../../backend/call";
import { HERE, type Target } from "../../backend/target";
import type { Workflow } from "../../bindings/Workflow";
import { useEditor } from "../../state/editor";
import { useRun } from "../../state/run";
import { askTargetProblems } from "../../state/target-problems";
import { nameOf, useTargets } from "../../state/targets";
import { tellError } from "../../state/tell";
import { useView } from "../../state/view";
import { questionsOf } from "./schema-form";

export interface Launch {
  document: Workflow;
  path: string | null;
  /** `undefined`: still to be asked for. */
  input: unknown;
  /** Where it runs; absent: what is chosen. */
  target?: Target;
  /** What follows once the workflow is trusted: a run, or its triggers act. */
  purpose?: "run" | "activate";
}

/** What waits until somebody trusts the workflow. */
export const useLaunch = create<{ waiting: Launch | null }>()(() => ({ waiting: null }));

/** Starts `launch` and shows the run. `false` if it did not start. */
export async function launchRun(launch: Launch): Promise<boolean> {
  // What is chosen meanwhile changes nothing about a start that is under way.
  const target = launch.target === undefined ? useTargets.getState().chosen : launch.target;
  try {
    const { run } = await callAt(target, "run_start", {
      document: launch.document,
      input: launch.input,
      ...(launch.path === null ? {} : { path: launch.path }),
    });
    useLaunch.setState({ waiting: null });
    useView.getState().closeDialog();
    useView.getState().showPanel("bottom", "run");
    await useRun.getState().openRun(run, target);
    return true;
  } catch (thrown) {
    const error = toBackendError(thrown);
    // Trust is given on this computer; if it was, then it is the target that does not trust the workflow.
    const isOfTarget = target !== HERE && useEditor.getState().trust?.trusted === true;
    if (error.code === "untrusted" && !isOfTarget) {
      useLaunch.setState({ waiting: { ...launch, target } });
      useView.getState().openDialog("trust");
    } else {
      tellError(
        target === HERE ? "The run did not start" : `The run did not start on ${nameOf(target)}`,
        error,
      );
    }
    return false;
  }
}

/** Starts the open workflow, after asking for its input if it wants any. */
export async function startRun(): Promise<void> {
  const { doc, path, trust, checkNow } = useEditor.getState();
  if (!doc) {
    return;
  }
  const check = await checkNow();
  if (trust && !trust.trusted) {
    useLaunch.setState({ waiting: { document: doc, path, input: undefined } });
    useView.getState().openDialog("trust");
    return;
  }
  const there = await askTargetProblems();
  const isBlocked = check?.problems.some((problem) => problem.severity === "error") ?? false;
  // What the target does otherwise is said before, not afterwards.
  if (isBlocked || there.length > 0 || questionsOf(doc.input).length > 0) {
    useView.getState().openDialog("start-run");
    return;
  }
  await launchRun({ document: doc, path, input: {} });
}
