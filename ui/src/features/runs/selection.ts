/** Which step of a run is looked at, and which body of each loop. */
import { create } from "zustand";

interface RunSelection {
  /** Path of the step; `null` for the run itself. */
  path: string | null;
  /** Index of the body that is shown, by path of the container. */
  bodies: Record<string, number>;
  /** `null`: whatever says most about what is selected. */
  tab: string | null;
  setPath: (path: string | null) => void;
  setBody: (container: string, index: number) => void;
  setTab: (tab: string | null) => void;
  reset: () => void;
}

export const useRunSelection = create<RunSelection>()((set) => ({
  path: null,
  bodies: {},
  tab: null,
  setPath: (path) => set((state) => ({ path, tab: state.tab === "decide" ? null : state.tab })),
  setBody: (container, index) => set((state) => ({ bodies: { ...state.bodies, [container]: index } })),
  setTab: (tab) => set({ tab }),
  reset: () => set({ path: null, bodies: {} }),
}));
