import { createContext, useContext } from "react";
import type { Target } from "../backend/target";
import { useTargets } from "./targets";

/**
 * Where the runs below are: a run that is open stays where it came from, whatever is chosen meanwhile. Absent: what is
 * chosen.
 */
export const Where = createContext<Target | undefined>(undefined);

/** Where what is shown here is asked for, and where answers to it go. */
export function useWhere(): Target {
  const given = useContext(Where);
  const chosen = useTargets((targets) => targets.chosen);
  return given === undefined ? chosen : given;
}
