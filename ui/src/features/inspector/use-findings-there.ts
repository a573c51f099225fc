/** What the chosen target does otherwise, for the fields that it is about. */
import { useMemo } from "react";
import { useTargetProblems } from "../../state/target-problems";
import { useNameOf } from "../../state/targets";
import type { Finding } from "./form-context";

export function useFindingsThere(): readonly Finding[] {
  const target = useTargetProblems((known) => known.target);
  const problems = useTargetProblems((known) => known.problems);
  const on = useNameOf(target);
  return useMemo(() => problems.map((problem) => ({ ...problem, on })), [problems, on]);
}
