import type { QueryClient } from "@tanstack/react-query";
import { forgetRuns } from "../backend/queries";
import { HERE } from "../backend/target";
import { useRun } from "./run";
import { isReachable, useTargets } from "./targets";

/** How often a target that answers is looked at, and one that does not. */
const CALM_MS = 10_000;
const EAGER_MS = 3_000;

/**
 * Looks after the chosen target, so that the header says within seconds whether it can be reached. Once it answers again, its
 * lists and the run that is open are read again.
 */
export function watchTargets(client: QueryClient): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isStopped = false;

  function later(): void {
    if (isStopped) return;
    const { chosen, standings } = useTargets.getState();
    const isCalm = chosen === HERE || standings[chosen]?.checked?.ok === true;
    timer = setTimeout(() => void look(), isCalm ? CALM_MS : EAGER_MS);
  }

  async function look(): Promise<void> {
    const { chosen, check } = useTargets.getState();
    // A page that nobody sees asks nobody.
    if (chosen !== HERE && document.visibilityState !== "hidden") await check(chosen);
    later();
  }

  const stop = useTargets.subscribe((now, before) => {
    for (const [target, standing] of Object.entries(now.standings)) {
      const was = before.standings[target];
      if (was === undefined || was === standing || isReachable(was) || !isReachable(standing)) continue;
      if (was.checked === null && was.error === null) continue;
      forgetRuns(client, target);
      if (useRun.getState().target === target) void useRun.getState().refresh();
    }
  });
  later();
  return () => {
    isStopped = true;
    clearTimeout(timer);
    stop();
  };
}
