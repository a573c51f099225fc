/** What repeating a step would do, in plain words. */
import { Check, CopyCheck, KeyRound, type LucideIcon, TriangleAlert } from "lucide-react";
import type { Effect } from "../../bindings/Effect";

export interface EffectLook {
  label: string;
  words: string;
  icon: LucideIcon;
  tone: "succeeded" | "running" | "warning";
}

export const EFFECTS: Record<Effect, EffectLook> = {
  pure: {
    label: "Safe to repeat",
    words: "Changes nothing outside the run. After a crash it simply runs again.",
    icon: Check,
    tone: "succeeded",
  },
  idempotent: {
    label: "Safe to repeat",
    words: "Changes something outside, and doing it twice leaves the same as doing it once.",
    icon: CopyCheck,
    tone: "succeeded",
  },
  keyed: {
    label: "Done once",
    words: "The receiver recognises a repetition by its key and does it only once.",
    icon: KeyRound,
    tone: "running",
  },
  unsafe: {
    label: "Not repeatable",
    words: "Doing it twice does it twice. After a crash a person is asked what became of it.",
    icon: TriangleAlert,
    tone: "warning",
  },
};
