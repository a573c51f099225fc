import { useEffect, useRef } from "react";
import type { Step } from "../../bindings/Step";
import { titleOf } from "../../state/document";
import { useCanvas } from "./canvas-store";
import { nameStep } from "./edits";
import classes from "./StepNode.module.css";

/** The name of a step on its card; a double click or F2 makes it a text field. */
export function StepTitle({ step, isLocked }: { step: Step; isLocked: boolean }) {
  const isRenaming = useCanvas((canvas) => canvas.renaming === step.id);
  const field = useRef<HTMLInputElement>(null);

  useEffect(() => {
    if (isRenaming) field.current?.select();
  }, [isRenaming]);

  function finish(name: string | null): void {
    // Leaving the field after Escape or Enter blurs it once more.
    if (useCanvas.getState().renaming !== step.id) return;
    useCanvas.setState({ renaming: null });
    if (name !== null) nameStep(step.id, name);
    useCanvas.getState().api?.focus();
  }

  if (!isRenaming) {
    return (
      // biome-ignore lint/a11y/noStaticElementInteractions: F2 does the same by key
      <div
        className={classes.title}
        title={titleOf(step)}
        onDoubleClick={(event) => {
          event.stopPropagation();
          if (!isLocked) useCanvas.setState({ renaming: step.id });
        }}
      >
        {titleOf(step)}
      </div>
    );
  }
  return (
    <input
      ref={field}
      className={`${classes.titleField} nodrag nopan`}
      aria-label="Name of the step"
      defaultValue={titleOf(step)}
      onBlur={(event) => finish(event.currentTarget.value)}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Enter") finish(event.currentTarget.value);
        if (event.key === "Escape") finish(null);
      }}
    />
  );
}
