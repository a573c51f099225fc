import { notifications } from "@mantine/notifications";
import type { QueryClient } from "@tanstack/react-query";
import { getBackend } from "../backend/backend";
import { invalidateFor } from "../backend/queries";
import type { BackendEvent } from "../bindings/BackendEvent";
import { useEditor } from "../state/editor";
import { reload } from "../state/files";
import { useRun } from "../state/run";

const BATCH_MS = 150;

/** Takes in what the backend tells: the open run, lists, notifications, files that changed. */
export function listenToBackend(client: QueryClient): () => void {
  const waiting = new Map<string, BackendEvent>();
  let timer: ReturnType<typeof setTimeout> | undefined;

  function flush(): void {
    timer = undefined;
    for (const event of waiting.values()) invalidateFor(client, event);
    waiting.clear();
  }

  const stop = getBackend().subscribe((event) => {
    useRun.getState().onEvent(event);
    if (event.type === "notification") notify(event.title, event.body, event.run);
    if (event.type === "file-changed") void onFileChanged(event.path);
    // A fast run says hundreds of things a second; the lists read again a few times.
    waiting.set(event.type === "run-advanced" ? event.summary.id : event.type, event);
    timer ??= setTimeout(flush, BATCH_MS);
  });
  return () => {
    clearTimeout(timer);
    stop();
  };
}

function notify(title: string, body: string, run: string | null): void {
  notifications.show({
    title,
    message: body,
    withBorder: true,
    autoClose: 8_000,
    ...(run === null ? {} : { onClick: () => void useRun.getState().openRun(run) }),
  });
  getBackend()
    .notify?.(title, body)
    .catch((thrown: unknown) => console.info("the system shows no notification", thrown));
}

/** A file that another program wrote: read again if nothing would be lost, else the person decides. */
async function onFileChanged(path: string): Promise<void> {
  const editor = useEditor.getState();
  if (editor.path !== path) return;
  if (editor.dirty || editor.journal === "pending") editor.setChangedOnDisk(true);
  else await reload();
}
