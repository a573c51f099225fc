/** What people do with triggers: activate those of the open workflow, let them wait, fire them, take them back. */
import { toBackendError } from "../../backend/backend";
import { call } from "../../backend/call";
import type { TriggerLine } from "../../bindings/TriggerLine";
import type { TriggerName } from "../../bindings/TriggerName";
import { ask } from "../../state/ask";
import { useEditor } from "../../state/editor";
import { save } from "../../state/files";
import { focusField } from "../../state/focus";
import { useRun } from "../../state/run";
import { tell, tellError } from "../../state/tell";
import { useView } from "../../state/view";
import { useLaunch } from "../runs/start-run";

/** Lets the triggers of the open workflow act, as its file says. Edits that are not saved are saved first. */
export async function activateTriggers(): Promise<void> {
  const { doc, dirty, path: known } = useEditor.getState();
  if (!doc) return;
  if (dirty || known === null) {
    const answer = await ask({
      title: `Save “${doc.name}” and activate it?`,
      text: "Triggers act by what is in the file, so that what runs is what can be read.",
      answers: [{ value: "save", label: "Save and activate", look: "primary" }],
    });
    if (answer !== "save" || !(await save())) return;
  }
  const { path } = useEditor.getState();
  if (path === null) return;
  try {
    const { revision, triggers } = await call("trigger_activate", { path });
    const count = `${triggers.length} ${triggers.length === 1 ? "trigger" : "triggers"}`;
    tell(`Revision ${revision} is active: ${count}`);
    useView.getState().showPanel("bottom", "triggers");
  } catch (thrown) {
    const error = toBackendError(thrown);
    if (error.code === "untrusted") {
      useLaunch.setState({ waiting: { document: doc, path, input: undefined, purpose: "activate" } });
      useView.getState().openDialog("trust");
    } else {
      tellError("The triggers are not active", error);
    }
  }
}

/** Takes back a trigger, or all of a workflow, after asking. */
export async function deactivate(name: TriggerName, words: string): Promise<void> {
  const answer = await ask({
    title: `Deactivate ${words}?`,
    text: "It starts nothing from now on. Runs that go on are not stopped, and what it did stays in the history.",
    answers: [{ value: "off", label: "Deactivate", look: "danger" }],
  });
  if (answer !== "off") return;
  try {
    await call("trigger_deactivate", name);
  } catch (thrown) {
    tellError("It is still active", thrown);
  }
}

export async function pauseOrResume(line: TriggerLine): Promise<void> {
  const name = { workflow: line.workflow, trigger: line.trigger };
  try {
    await call(line.status === "paused" ? "trigger_resume" : "trigger_pause", name);
  } catch (thrown) {
    tellError(line.status === "paused" ? "It still waits" : "It still acts", thrown);
  }
}

/** Fires a trigger by hand, and shows the run that it starts. */
export async function fire(line: TriggerLine, saved?: string): Promise<void> {
  try {
    const firing = await call("trigger_fire", {
      workflow: line.workflow,
      trigger: line.trigger,
      ...(saved === undefined ? {} : { saved }),
    });
    if (firing.status === "skipped" || firing.status === "failed") {
      tellError(`“${line.trigger}” started nothing`, { message: firing.reason ?? "no reason was given" });
    } else {
      tell(
        firing.status === "queued" ? `“${line.trigger}” waits for the run before` : `“${line.trigger}” fired`,
      );
    }
  } catch (thrown) {
    tellError(`“${line.trigger}” did not fire`, thrown);
  }
}

/** Leads to where triggers are added. */
export function wantTrigger(): void {
  useRun.getState().closeRun();
  useEditor.getState().select({});
  useView.getState().showPanel("right", "inspector");
  focusField({ field: "triggers" });
}

/** Shows the run that a firing started. */
export function showRun(run: string): void {
  useView.getState().setPage("editor");
  useView.getState().showPanel("bottom", "run");
  void useRun.getState().openRun(run);
}
