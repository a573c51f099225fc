import { create } from "zustand";
import { call } from "../backend/call";
import type { Settings } from "../bindings/Settings";

type SettingsStore = {
  theme: "light" | "dark" | "system";
  wheel: "mouse" | "trackpad";
  direction: "right" | "down";
  person: string | null;
  panels: Record<string, unknown>;
  isLoaded: boolean;
  loadSettings(): Promise<void>;
  /** Changes settings here at once and keeps them in the background. */
  change(settings: Partial<Pick<SettingsStore, "theme" | "wheel" | "direction" | "panels">>): void;
};

function oneOf<T extends string>(value: string | undefined, allowed: readonly T[], fallback: T): T {
  return allowed.find((each) => each === value) ?? fallback;
}

function read(settings: Settings) {
  return {
    theme: oneOf(settings.theme, ["light", "dark", "system"], "system"),
    wheel: oneOf(settings.wheel, ["mouse", "trackpad"], "mouse"),
    direction: oneOf(settings.direction, ["right", "down"], "right"),
    person: settings.person ?? null,
    panels: settings.panels ?? {},
  };
}

/** Settings of this person on this machine; the Rust side keeps them. */
export const useSettings = create<SettingsStore>()((set, get) => ({
  theme: "system",
  wheel: "mouse",
  direction: "right",
  person: null,
  panels: {},
  isLoaded: false,

  async loadSettings() {
    try {
      set({ ...read(await call("settings_get", {})), isLoaded: true });
    } catch (thrown) {
      console.error("the settings cannot be read; the usual ones are used", thrown);
      set({ isLoaded: true });
    }
  },

  change(settings) {
    set(settings);
    const { panels } = get();
    call("settings_set", { panels, ...settings }).catch((thrown: unknown) => {
      console.error("the settings are not kept", thrown);
    });
  },
}));
