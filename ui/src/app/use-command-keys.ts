import { useEffect } from "react";
import { commands, isEnabled, runCommand } from "./commands";
import { isInText, matches } from "./keys";

/** Listens for the keys of all commands. A text field, dialog or menu keeps what it understands itself. */
export function useCommandKeys(): void {
  useEffect(() => {
    function onKey(event: KeyboardEvent): void {
      if (event.defaultPrevented || event.isComposing) return;
      const target = event.target;
      const isTyping = isInText(target);
      const element = target instanceof Element ? target : null;
      if (element?.closest("[role=dialog], [role=menu], [role=listbox]")) return;
      const isOnCanvas = element?.closest("[data-testid=canvas]") != null && element.tagName !== "BUTTON";
      const isNowhere = element === document.body;
      for (const command of commands) {
        if (command.isNative || !command.keys?.some((keys) => matches(event, keys))) continue;
        if (isTyping && !command.inText) continue;
        // Keys without Mod belong to the part that has the focus: a list walks with arrows of its own.
        const isBare = !(
          event.ctrlKey ||
          event.metaKey ||
          event.altKey ||
          /^F\d+$/.test(event.key) ||
          event.key === "?"
        );
        if (command.onCanvas && isBare && !isOnCanvas && !isNowhere) continue;
        if (!isEnabled(command)) continue;
        event.preventDefault();
        runCommand(command.id);
        return;
      }
    }
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
}
