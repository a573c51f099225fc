import { Channel, invoke } from "@tauri-apps/api/core";
import { getCurrentWindow } from "@tauri-apps/api/window";
import { open, save } from "@tauri-apps/plugin-dialog";
import { isPermissionGranted, requestPermission, sendNotification } from "@tauri-apps/plugin-notification";
import type { BackendEvent } from "../bindings/BackendEvent";
import type { Backend, PickOptions } from "./backend";

/** System dialogs know a last ending only: `.baton.json` is `json` to them. */
function filters({ endings }: PickOptions) {
  if (endings.length === 0) return [];
  const extensions = [...new Set(endings.map((ending) => ending.slice(ending.lastIndexOf(".") + 1)))];
  return [{ name: endings.join(", "), extensions }];
}

/** The backend inside the window. The only file that knows Tauri. */
export function tauriBackend(): Backend {
  const listeners = new Set<(event: BackendEvent) => void>();
  let isSubscribed = false;

  return {
    kind: "window",
    rpc: (name, request) => invoke("rpc", { name, request }),
    subscribe(listener) {
      listeners.add(listener);
      if (!isSubscribed) {
        isSubscribed = true;
        const channel = new Channel<BackendEvent>();
        channel.onmessage = (event) => {
          for (const each of listeners) each(event);
        };
        invoke("subscribe", { channel }).catch((error: unknown) => {
          isSubscribed = false;
          console.error("no events from the backend", error);
        });
      }
      return () => listeners.delete(listener);
    },
    async pickOpen(options) {
      const path = await open({
        title: options.title,
        multiple: false,
        directory: false,
        filters: filters(options),
        ...(options.start ? { defaultPath: options.start } : {}),
      });
      return typeof path === "string" ? path : null;
    },
    async pickSave(options) {
      const defaultPath = options.start ?? options.suggested;
      return await save({
        title: options.title,
        filters: filters(options),
        ...(defaultPath ? { defaultPath } : {}),
      });
    },
    async notify(title, body) {
      const isGranted = (await isPermissionGranted()) || (await requestPermission()) === "granted";
      if (isGranted) sendNotification({ title, body });
    },
    async setTitle(title) {
      await getCurrentWindow().setTitle(title);
    },
    onOpenFile(listener) {
      getCurrentWindow()
        .listen<string>("open-file", (event) => listener(event.payload))
        .catch((error: unknown) => console.error("a second start cannot open files here", error));
    },
    onClose(mayClose) {
      const unlisten = getCurrentWindow().onCloseRequested(async (event) => {
        if (!(await mayClose())) event.preventDefault();
      });
      return () => {
        void unlisten.then((stop) => stop());
      };
    },
  };
}
