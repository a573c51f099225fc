import { call } from "../backend/call";
import { useEditor } from "./editor";
import { keepRecovered, openDraft, openPath } from "./files";

// A page that is loaded anew (a reload, a web view that died) shows what it showed before, edits included.

const KEY = "baton.open";

/** Keeps in mind what is open, for as long as this tab or window lives. */
export function rememberOpen(): void {
  const keep = () => {
    const { doc, draftKey } = useEditor.getState();
    if (doc) sessionStorage.setItem(KEY, draftKey);
    else sessionStorage.removeItem(KEY);
  };
  keep();
  useEditor.subscribe((state, before) => {
    if (state.draftKey !== before.draftKey) keep();
  });
}

/** Opens what was open before the page was loaded anew; its edits come back without a question. */
export async function reopenLast(): Promise<void> {
  const key = sessionStorage.getItem(KEY);
  if (key === null) return;
  sessionStorage.removeItem(KEY);
  if (!key.startsWith("untitled:")) {
    await openPath(key);
    if (useEditor.getState().draftKey === key) keepRecovered();
    return;
  }
  try {
    const { drafts } = await call("draft_list", {});
    const draft = drafts.find((each) => each.key === key);
    if (draft) await openDraft(draft);
  } catch (thrown) {
    console.info("what was open before cannot be found", thrown);
  }
}
