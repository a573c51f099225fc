import { create } from "zustand";

/** Dialogs about Baton itself. */
export type SystemDialog = "limits" | "safe-mode";

type System = {
  dialog: SystemDialog | null;
  show(dialog: SystemDialog): void;
  close(): void;
};

export const useSystem = create<System>()((set) => ({
  dialog: null,
  show: (dialog) => set({ dialog }),
  close: () => set({ dialog: null }),
}));
