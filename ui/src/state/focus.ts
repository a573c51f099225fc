import { create } from "zustand";
import type { Place } from "../bindings/Place";

/** A place that somebody wants to see: the canvas brings it into view, the inspector focuses its field. */
export type FocusRequest = {
  place: Place;
  /** Rises with every request, so that the same place can be asked for twice. */
  nonce: number;
};

type FocusStore = {
  request: FocusRequest | null;
  focusField(place: Place): void;
  /** The inspector found the field and focused it. */
  done(nonce: number): void;
};

export const useFocus = create<FocusStore>()((set, get) => ({
  request: null,
  focusField(place) {
    set({ request: { place, nonce: (get().request?.nonce ?? 0) + 1 } });
  },
  done(nonce) {
    const { request } = get();
    if (request?.nonce === nonce) set({ request: { ...request, place: {} } });
  },
}));

/** Asks for a field: `focusField({ step: "gate", field: "with.rules[2].column" })`. */
export function focusField(place: Place): void {
  useFocus.getState().focusField(place);
}
