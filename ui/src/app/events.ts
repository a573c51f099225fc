import { notifications } from "@mantine/notifications";
import type { QueryClient } from "@tanstack/react-query";
import { getBackend } from "../backend/backend";
import { invalidateFor } from "../backend/queries";
import type { BackendEvent } from "../bindings/BackendEvent";
import { useEditor } from "../state/editor";
import { reload } from "../state/files";
import { useRun } from "../state/run";
import { nameOf, useTargets } from "../state/targets";

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
    if (event.type === "targets-changed" || event.type === "lagged") void useTargets.getState().load();
    if (event.type === "target") onEventThere(event.target, event.event);
    if (event.type === "file-changed") void onFileChanged(event.path);
    // A fast run says hundreds of things a second; the lists read again a few times.
    waiting.set(keyOf(event), event);
    timer ??= setTimeout(flush, BATCH_MS);
  });
  return () => {
    clearTimeout(timer);
    stop();
  };
}

/** Events with the same key make the same answers old. */
function keyOf(event: BackendEvent): string {
  if (event.type === "target") return `${event.target}/${keyOf(event.event)}`;
  return event.type === "run-advanced" ? event.summary.id : event.type;
}

/** A message of a target comes under its name, and not as one of the system: that speaks of this computer. */
function onEventThere(target: string, event: BackendEvent): void {
  if (event.type !== "notification" || useTargets.getState().chosen !== target) return;
  const { run } = event;
  notifications.show({
    title: `${nameOf(target)}: ${event.title}`,
    message: event.body,
    withBorder: true,
    autoClose: 8_000,
    ...(run === null ? {} : { onClick: () => void useRun.getState().openRun(run, target) }),
  });
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
