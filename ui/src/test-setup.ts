import { cleanup } from "@testing-library/react";
import { afterEach } from "vitest";

// What happy-dom leaves out and Mantine asks for.
globalThis.ResizeObserver ??= class {
  observe() {}
  unobserve() {}
  disconnect() {}
};
Element.prototype.scrollIntoView ??= () => undefined;

// Text areas that grow measure again when fonts arrive.
if (!("fonts" in document)) {
  Object.defineProperty(document, "fonts", { value: new EventTarget() });
}

afterEach(() => cleanup());
