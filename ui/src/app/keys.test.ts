import { describe, expect, test } from "vitest";
import { isInText, keyLabels, matches } from "./keys";

function key(init: KeyboardEventInit): KeyboardEvent {
  return new KeyboardEvent("keydown", init);
}

describe("keys", () => {
  test("are told apart by their modifiers", () => {
    expect(matches(key({ key: "z", ctrlKey: true }), "Mod+Z")).toBe(true);
    expect(matches(key({ key: "Z", ctrlKey: true, shiftKey: true }), "Mod+Z")).toBe(false);
    expect(matches(key({ key: "Z", ctrlKey: true, shiftKey: true }), "Mod+Shift+Z")).toBe(true);
    expect(matches(key({ key: "z" }), "Mod+Z")).toBe(false);
  });

  test("are found by their place where a modifier changes the sign", () => {
    expect(matches(key({ key: "†", code: "KeyT", altKey: true, shiftKey: true }), "Shift+Alt+T")).toBe(true);
    expect(matches(key({ key: '"', code: "Digit2", shiftKey: true }), "Shift+2")).toBe(true);
  });

  test("that are typed with Shift need not name it", () => {
    expect(matches(key({ key: "?", shiftKey: true }), "?")).toBe(true);
    expect(matches(key({ key: "+", shiftKey: true }), "+")).toBe(true);
    expect(matches(key({ key: "+", ctrlKey: true }), "Mod++")).toBe(true);
    expect(matches(key({ key: "-", ctrlKey: true }), "Mod+-")).toBe(true);
  });

  test("are written as people read them", () => {
    expect(keyLabels("Mod+Shift+Z")).toEqual(["Ctrl", "Shift", "Z"]);
    expect(keyLabels("Alt+ArrowLeft")).toEqual(["Alt", "←"]);
    expect(keyLabels("Mod++")).toEqual(["Ctrl", "+"]);
  });

  test("belong to a text that is being written", () => {
    const field = document.createElement("input");
    const box = document.createElement("input");
    box.type = "checkbox";
    expect(isInText(field)).toBe(true);
    expect(isInText(document.createElement("textarea"))).toBe(true);
    expect(isInText(box)).toBe(false);
    expect(isInText(document.body)).toBe(false);
    expect(isInText(null)).toBe(false);
  });
});
