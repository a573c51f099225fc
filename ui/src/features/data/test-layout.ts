/** For tests: happy-dom lays nothing out, so lists that draw what is seen must be told that they are. */
export function pretendLayout(width = 600, height = 300): void {
  Object.defineProperty(HTMLElement.prototype, "clientHeight", { configurable: true, get: () => height });
  Object.defineProperty(HTMLElement.prototype, "clientWidth", { configurable: true, get: () => width });
}
