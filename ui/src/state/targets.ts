import { create } from "zustand";
import { type BackendError, toBackendError } from "../backend/backend";
import { call, callAt } from "../backend/call";
import { HERE, type Target } from "../backend/target";
import type { TargetChecked } from "../bindings/TargetChecked";
import type { TargetLine } from "../bindings/TargetLine";
import type { UserIdentified } from "../bindings/UserIdentified";
import { useSettings } from "./settings";
import { tell } from "./tell";

/** Where the choice is kept, among the settings of this person. */
const KEPT_AS = "target";

/** What is known about a target at this moment. */
export type Standing = {
  isChecking: boolean;
  /** The last answer; `null` if there was none yet, or if asking failed. */
  checked: TargetChecked | null;
  error: BackendError | null;
  /** Who asks there, where users sign in. */
  user: UserIdentified | null;
};

const UNKNOWN: Standing = { isChecking: false, checked: null, error: null, user: null };

/** Whether a target answers, as far as is known: something about it was found to be in order. */
export function isReachable(standing: Standing | undefined): boolean {
  const checked = standing?.checked;
  return checked?.ok === true || checked?.findings.some((each) => each.ok) === true;
}

/** Whether a finding is about who works there, not about the way there. */
export function isAboutWorkers(code: string): boolean {
  return code.includes("worker");
}

/** What the dialog about targets shows. */
export type TargetsDialog = { view: "list" } | { view: "form"; target: TargetLine | null };

type TargetsStore = {
  /** Where runs are started and looked at. */
  chosen: Target;
  /** What is kept, in the order of the Rust side; `null` until it was read. */
  list: readonly TargetLine[] | null;
  error: BackendError | null;
  standings: Readonly<Record<string, Standing>>;
  dialog: TargetsDialog | null;
  isMenuOpen: boolean;
  /** Takes up what was chosen when Baton was closed. */
  takeUp(): Promise<void>;
  /** Reads the list; what is chosen and no longer kept gives way to this computer. */
  load(): Promise<void>;
  choose(target: Target): void;
  /** Looks whether runs can go there. */
  check(target: string): Promise<void>;
  show(dialog: TargetsDialog | null): void;
  openMenu(isOpen: boolean): void;
};

/** Targets: where runs go besides this computer. */
export const useTargets = create<TargetsStore>()((set, get) => {
  function stand(target: string, next: Partial<Standing>): void {
    const { standings } = get();
    set({ standings: { ...standings, [target]: { ...(standings[target] ?? UNKNOWN), ...next } } });
  }

  return {
    chosen: HERE,
    list: null,
    error: null,
    standings: {},
    dialog: null,
    isMenuOpen: false,

    async takeUp() {
      const kept = useSettings.getState().panels[KEPT_AS];
      if (typeof kept === "string") set({ chosen: kept });
      await get().load();
      const { chosen } = get();
      if (chosen !== HERE) void get().check(chosen);
    },

    async load() {
      try {
        const { targets } = await call("target_list", {});
        const before = get().list;
        set({ list: targets, error: null });
        const { chosen } = get();
        if (chosen !== HERE && !targets.some((line) => line.id === chosen)) {
          const name = before?.find((line) => line.id === chosen)?.name;
          get().choose(HERE);
          tell(
            `${name ? `“${name}”` : "The target that was chosen"} is no longer kept: runs go to ${nameOf(HERE)} again`,
          );
        }
      } catch (thrown) {
        set({ error: toBackendError(thrown) });
      }
    },

    choose(target) {
      if (get().chosen === target) return;
      set({ chosen: target });
      const { panels, change } = useSettings.getState();
      const { [KEPT_AS]: _, ...others } = panels;
      change({ panels: target === HERE ? others : { ...others, [KEPT_AS]: target } });
      if (target !== HERE) void get().check(target);
    },

    async check(target) {
      if (get().standings[target]?.isChecking) return;
      stand(target, { isChecking: true });
      try {
        const checked = await call("target_check", { target });
        stand(target, { isChecking: false, checked, error: null });
        const isServer = get().list?.find((line) => line.id === target)?.place.kind === "server";
        if (checked.ok && isServer) {
          const { user } = await callAt(target, "app_info", {});
          stand(target, { user: user ?? null });
        }
      } catch (thrown) {
        stand(target, { isChecking: false, checked: null, error: toBackendError(thrown) });
      }
    },

    show: (dialog) => set({ dialog, isMenuOpen: false }),
    openMenu: (isMenuOpen) => set({ isMenuOpen }),
  };
});

/** What is kept about a target; `undefined` for the Baton that answers, and for what is gone. */
export function lineOf(target: Target): TargetLine | undefined {
  return useTargets.getState().list?.find((line) => line.id === target);
}

/** As [`lineOf`], for components. */
export function useLine(target: Target): TargetLine | undefined {
  return useTargets((targets) => targets.list?.find((line) => line.id === target));
}

/** How a target stands; `undefined` for the Baton that answers, and for what nobody looked at. */
export function useStanding(target: Target): Standing | undefined {
  return useTargets((targets) => (target === HERE ? undefined : targets.standings[target]));
}

let here = "this computer";

/** What the Baton that answers this page is called: users of a team look at a server. */
export function setHere(words: "this computer" | "this server"): void {
  here = words;
}

/** `this computer`, or the name under which a target is kept. */
export function nameOf(target: Target): string {
  return target === HERE ? here : (lineOf(target)?.name ?? "a target that is gone");
}

/** As [`nameOf`], for components. */
export function useNameOf(target: Target): string {
  const line = useLine(target);
  return target === HERE ? here : (line?.name ?? "a target that is gone");
}
