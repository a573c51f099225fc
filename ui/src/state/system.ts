import { create } from "zustand";

/** Dialogs about Baton itself. */
export type SystemDialog = "limits" | "safe-mode" | "webhooks";

type System = {
  dialog: SystemDialog | null;
  /** A person has seen that the disk is getting full; worse is told again. */
  isLowHidden: boolean;
  show(dialog: SystemDialog): void;
  close(): void;
  hideLow(): void;
};

export const useSystem = create<System>()((set) => ({
  dialog: null,
  isLowHidden: false,
  show: (dialog) => set({ dialog }),
  close: () => set({ dialog: null }),
  hideLow: () => set({ isLowHidden: true }),
}));
