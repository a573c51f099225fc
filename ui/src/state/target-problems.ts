import { create } from "zustand";
import { call } from "../backend/call";
import { HERE, type Target } from "../backend/target";
import type { Problem } from "../bindings/Problem";
import type { Workflow } from "../bindings/Workflow";
import { useEditor } from "./editor";
import { useTargets } from "./targets";

/** As long as the check of the document waits. */
const PAUSE_MS = 150;

type TargetProblems = {
  /** Whom the findings are about; `null` while nothing is known. */
  target: Target;
  /** The document that they are about. */
  document: Workflow | null;
  problems: readonly Problem[];
};

const NOTHING: TargetProblems = { target: HERE, document: null, problems: [] };

/** What the open workflow does otherwise on the chosen target. */
export const useTargetProblems = create<TargetProblems>()(() => NOTHING);

let round = 0;

/** Asks about the open workflow now. Findings of an older document or of another target are dropped. */
export async function askTargetProblems(): Promise<readonly Problem[]> {
  const { doc, path } = useEditor.getState();
  const { chosen } = useTargets.getState();
  round += 1;
  const mine = round;
  if (doc === null || chosen === HERE) {
    useTargetProblems.setState(NOTHING);
    return [];
  }
  const known = useTargetProblems.getState();
  if (known.target === chosen && known.document === doc) return known.problems;
  try {
    const { problems } = await call("target_problems", {
      target: chosen,
      document: doc,
      ...(path === null ? {} : { path }),
    });
    if (mine === round) useTargetProblems.setState({ target: chosen, document: doc, problems });
    return problems;
  } catch (thrown) {
    // Nobody draws worse for it: the start says what is in the way.
    console.info("it is not known what the target does otherwise", thrown);
    if (mine === round) useTargetProblems.setState(NOTHING);
    return [];
  }
}

/** Asks again after every pause in drawing, and when another target is chosen. */
export function watchTargetProblems(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  function soon(): void {
    clearTimeout(timer);
    timer = setTimeout(() => void askTargetProblems(), PAUSE_MS);
  }
  const stopEditor = useEditor.subscribe((now, before) => {
    if (now.doc !== before.doc) soon();
  });
  const stopTargets = useTargets.subscribe((now, before) => {
    if (now.chosen === before.chosen) return;
    useTargetProblems.setState(NOTHING);
    soon();
  });
  soon();
  return () => {
    clearTimeout(timer);
    stopEditor();
    stopTargets();
  };
}
