/** Keys by the platform: on macOS `Mod` is Cmd. */
export const isMac = typeof navigator !== "undefined" && /mac|iphone|ipad/i.test(navigator.userAgent);

type Chord = { mod: boolean; shift: boolean; alt: boolean; key: string };

function parse(keys: string): Chord {
  // A last `+` is the key itself: `Mod++`.
  const parts = keys.endsWith("+") ? [...keys.slice(0, -1).split("+").filter(Boolean), "+"] : keys.split("+");
  const key = parts.at(-1) ?? "";
  return {
    mod: parts.includes("Mod"),
    shift: parts.includes("Shift"),
    alt: parts.includes("Alt"),
    key: key.toLowerCase(),
  };
}

/** Keys for which Shift is how they are typed, on one keyboard or another. */
const TYPED_WITH_SHIFT = new Set(["?", "+", "=", "/", "-", "."]);

/** Whether a key event is these keys. */
export function matches(event: KeyboardEvent, keys: string): boolean {
  const chord = parse(keys);
  const mod = isMac ? event.metaKey : event.ctrlKey;
  if (mod !== chord.mod || event.altKey !== chord.alt) return false;
  if ((isMac ? event.ctrlKey : event.metaKey) === true) return false;
  const key = event.key.toLowerCase();
  // With Alt or Shift some layouts give another sign; the place of the key still says which it is.
  const placed = /^(?:Key|Digit)(.)$/.exec(event.code)?.[1]?.toLowerCase();
  const isKey = key === chord.key || ((chord.alt || chord.shift) && placed === chord.key);
  if (!isKey) return false;
  return event.shiftKey === chord.shift || (!chord.shift && TYPED_WITH_SHIFT.has(chord.key));
}

const SIGNS: Record<string, string> = {
  arrowleft: "←",
  arrowright: "→",
  arrowup: "↑",
  arrowdown: "↓",
  escape: "Esc",
  delete: "Del",
  backspace: "⌫",
  enter: "Enter",
  space: "Space",
  tab: "Tab",
};

/** Keys as people write them: `Ctrl` `Shift` `Z`. */
export function keyLabels(keys: string): string[] {
  const { mod, shift, alt, key } = parse(keys);
  const name =
    SIGNS[key] ?? (key.length === 1 ? key.toUpperCase() : key.charAt(0).toUpperCase() + key.slice(1));
  return [
    ...(mod ? [isMac ? "⌘" : "Ctrl"] : []),
    ...(alt ? [isMac ? "⌥" : "Alt"] : []),
    ...(shift ? [isMac ? "⇧" : "Shift"] : []),
    name,
  ];
}

/** Whether a key event is meant for a text that is being written. */
export function isInText(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.closest(".cm-editor")) return true;
  if (target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) return true;
  if (!(target instanceof HTMLInputElement)) return false;
  return !["checkbox", "radio", "button", "submit", "range"].includes(target.type);
}
