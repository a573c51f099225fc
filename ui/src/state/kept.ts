import { call } from "../backend/call";
import { useEditor } from "./editor";
import { mayLeave } from "./files";
import { useRun } from "./run";
import { tellError } from "./tell";
import { useView } from "./view";

/** Shows the last revision of a workflow that was pushed to this server. It has no file here. */
export async function openKept(workflow: string): Promise<void> {
  if (!(await mayLeave())) return;
  try {
    const { document } = await call("workflow_pull", { workflow });
    useEditor.getState().loadNew(document);
    useRun.getState().closeRun();
    useView.getState().setPage("editor");
  } catch (thrown) {
    tellError("This workflow cannot be opened", thrown);
  }
}
