import { getBackend } from "../backend/backend";
import { useEditor } from "../state/editor";
import { mayLeave } from "../state/files";

/** Asks before the window or the page goes away with edits that are not saved; keeps its title. */
export function guardClosing(): () => void {
  function onBeforeUnload(event: BeforeUnloadEvent): void {
    const { dirty, journal } = useEditor.getState();
    if (!dirty && journal === "kept") return;
    void useEditor.getState().flush();
    event.preventDefault();
  }

  const backend = getBackend();
  let title = "";
  const stopTitle = useEditor.subscribe(({ doc, dirty }) => {
    const next = doc ? `${dirty ? "• " : ""}${doc.name} – Baton` : "Baton";
    if (next === title) return;
    title = next;
    document.title = next;
    backend.setTitle?.(next).catch((thrown: unknown) => console.info("the window keeps its title", thrown));
  });
  const stopClose = backend.onClose?.(mayLeave);
  // In the window the question is ours; a second one of the web view would only confuse.
  if (backend.kind === "browser") window.addEventListener("beforeunload", onBeforeUnload);
  return () => {
    stopTitle();
    stopClose?.();
    window.removeEventListener("beforeunload", onBeforeUnload);
  };
}
