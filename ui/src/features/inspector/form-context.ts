/** What the fields of a form know besides their value. */
import { createContext, useContext } from "react";
import type { Problem } from "../../bindings/Problem";
import type { Step } from "../../bindings/Step";
import type { ExpressionScope } from "../expression/scope";

/** A finding, and on which target it is one; absent: about the workflow itself. */
export type Finding = Problem & { on?: string };

export interface FormContextValue {
  isReadOnly: boolean;
  /** Findings about what is edited here, by `place.field`. */
  problems: readonly Finding[];
  /** What an expression can name here, with the names that a field adds. */
  scopeFor: (extra: readonly string[]) => ExpressionScope;
  /** Earlier steps, for the table field. */
  earlier: readonly Step[];
  /** Id of the workflow. */
  workflow: string | undefined;
  /** File of the workflow; relative paths start from its folder. */
  path: string | null;
  /** The next change is a step of undo of its own. */
  newGesture: () => void;
  /** Field that somebody wants to see: `with.rules[2].column`. */
  wanted: string | null;
}

const EMPTY_SCOPE: ExpressionScope = { steps: [], names: [], values: {} };

export const FormContext = createContext<FormContextValue>({
  isReadOnly: false,
  problems: [],
  scopeFor: () => EMPTY_SCOPE,
  earlier: [],
  workflow: undefined,
  path: null,
  newGesture: () => undefined,
  wanted: null,
});

export const useForm = () => useContext(FormContext);

/** Whether a finding at `field` belongs to `path` or to something inside it. */
export function isWithin(field: string, path: string): boolean {
  return field === path || field.startsWith(`${path}.`) || field.startsWith(`${path}[`);
}
