/** Puts the context of a form together. */
import { useCallback, useMemo, useRef } from "react";
import { useCatalog } from "../../backend/queries";
import type { Workflow } from "../../bindings/Workflow";
import { stepsBefore } from "../../state/document";
import { useEditor } from "../../state/editor";
import { useFocus } from "../../state/focus";
import { useRun } from "../../state/run";
import { type ExpressionScope, scopeAt } from "../expression/scope";
import type { Finding, FormContextValue } from "./form-context";

interface FormRequest {
  document: Workflow;
  /** Step whose place the expressions have; absent: the whole workflow. */
  step?: string | undefined;
  problems: readonly Finding[];
  isReadOnly: boolean;
  /** Whether the request for a field is about this form. */
  isAsked: (place: { step?: string; edge?: string; trigger?: string }) => boolean;
}

export interface FormHandle {
  context: FormContextValue;
  /** `mergeKey` of an edit of one field: changes while focus stays are one step of undo. */
  mergeKey: (key: string) => string;
}

/** A field without names of its own leaves the list out. */
const NO_NAMES: readonly string[] = [];

let gestures = 0;

export function useFormValue({ document, step, problems, isReadOnly, isAsked }: FormRequest): FormHandle {
  const kinds = useCatalog();
  const path = useEditor((editor) => editor.path);
  const run = useRun((state) => state.view);
  const request = useFocus((focus) => focus.request);
  const gesture = useRef(0);
  const newGesture = useCallback(() => {
    gestures += 1;
    gesture.current = gestures;
  }, []);
  const wanted =
    request && request.place.field !== undefined && isAsked(request.place) ? request.place.field : null;
  const context = useMemo<FormContextValue>(() => {
    const scopes = new Map<string, ExpressionScope>();
    return {
      isReadOnly,
      problems,
      earlier: step === undefined ? document.steps : stepsBefore(document, step),
      workflow: document.id,
      path,
      newGesture,
      wanted,
      scopeFor: (extra = NO_NAMES) => {
        const key = extra.join();
        const known =
          scopes.get(key) ??
          scopeAt({ workflow: document, kinds, extra, run, ...(step === undefined ? {} : { step }) });
        scopes.set(key, known);
        return known;
      },
    };
  }, [isReadOnly, problems, document, step, path, newGesture, wanted, kinds, run]);
  const mergeKey = useCallback((key: string) => `${gesture.current}:${key}`, []);
  return { context, mergeKey };
}
