/** Starting a run: what the Run button, its key and the panels do. */
import { create } from "zustand";
import { toBackendError } from "../../backend/backend";
import { call } from "../../backend/call";
import type { Workflow } from "../../bindings/Workflow";
import { useEditor } from "../../state/editor";
import { useRun } from "../../state/run";
import { tellError } from "../../state/tell";
import { useView } from "../../state/view";
import { questionsOf } from "./schema-form";

export interface Launch {
  document: Workflow;
  path: string | null;
  /** `undefined`: still to be asked for. */
  input: unknown;
  /** What follows once the workflow is trusted: a run, or its triggers act. */
  purpose?: "run" | "activate";
}

/** What waits until somebody trusts the workflow. */
export const useLaunch = create<{ waiting: Launch | null }>()(() => ({ waiting: null }));

/** Starts `launch` and shows the run. `false` if it did not start. */
export async function launchRun(launch: Launch): Promise<boolean> {
  try {
    const { run } = await call("run_start", {
      document: launch.document,
      input: launch.input,
      ...(launch.path === null ? {} : { path: launch.path }),
    });
    useLaunch.setState({ waiting: null });
    useView.getState().closeDialog();
    useView.getState().showPanel("bottom", "run");
    await useRun.getState().openRun(run);
    return true;
  } catch (thrown) {
    const error = toBackendError(thrown);
    if (error.code === "untrusted") {
      useLaunch.setState({ waiting: launch });
      useView.getState().openDialog("trust");
    } else {
      tellError("The run did not start", error);
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
  const isBlocked = check?.problems.some((problem) => problem.severity === "error") ?? false;
  if (isBlocked || questionsOf(doc.input).length > 0) {
    useView.getState().openDialog("start-run");
    return;
  }
  await launchRun({ document: doc, path, input: {} });
}
