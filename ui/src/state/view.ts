import { create } from "zustand";

export type Dialog = "start-run" | "trust" | "help" | "connect" | "settings" | "backups";

/** Panels, dialogs and the page that is shown. Nothing in here belongs to a document. */
type ViewStore = {
  page: "start" | "editor";
  /** The panel in front, for each area; `null` for a closed area. */
  left: string | null;
  right: string | null;
  bottom: string | null;
  dialog: Dialog | null;
  /** The command palette lists steps only. */
  isFinding: boolean;
  setPage(page: "start" | "editor"): void;
  /** Brings a panel to the front of its area. */
  showPanel(area: "left" | "right" | "bottom", id: string | null): void;
  openDialog(dialog: Dialog): void;
  closeDialog(): void;
};

export const useView = create<ViewStore>()((set) => ({
  page: "start",
  left: "palette",
  right: "inspector",
  bottom: null,
  dialog: null,
  isFinding: false,
  setPage: (page) => set({ page }),
  showPanel: (area, id) => set({ [area]: id }),
  openDialog: (dialog) => set({ dialog }),
  closeDialog: () => set({ dialog: null }),
}));
