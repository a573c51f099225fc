import { create } from "zustand";
import { getBackend, type PickOptions } from "../backend/backend";

type Request = PickOptions & { mode: "open" | "save"; resolve(path: string | null): void };

/** What the file dialog of the browser shows; the window uses the one of the system. */
export const usePicker = create<{ request: Request | null }>()(() => ({ request: null }));

function pick(mode: "open" | "save", options: PickOptions): Promise<string | null> {
  usePicker.getState().request?.resolve(null);
  return new Promise((resolve) => {
    usePicker.setState({
      request: {
        ...options,
        mode,
        resolve(path) {
          usePicker.setState({ request: null });
          resolve(path);
        },
      },
    });
  });
}

/** Asks for a file to open. */
export function pickOpen(options: PickOptions): Promise<string | null> {
  const backend = getBackend();
  return backend.pickOpen ? backend.pickOpen(options) : pick("open", options);
}

/** Asks where to save. */
export function pickSave(options: PickOptions): Promise<string | null> {
  const backend = getBackend();
  return backend.pickSave ? backend.pickSave(options) : pick("save", options);
}
