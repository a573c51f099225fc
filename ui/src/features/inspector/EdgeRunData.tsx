/** How the selected edge was resolved in the open run. */

import { CircleCheck, CircleDashed, CircleSlash2 } from "lucide-react";
import type { RunView } from "../../bindings/RunView";
import { runName } from "../../state/run";
import EvaluationView from "../runs/EvaluationView";
import classes from "./inspector.module.css";

export default function EdgeRunData({ view, edge }: { view: RunView; edge: string }) {
  const found = Object.entries(view.edges).filter(([key]) => key === edge || key.endsWith(`/${edge}`));
  const first = found[0]?.[1];
  const taken = found.filter(([, one]) => one.taken).length;
  return (
    <section aria-label="In this run" className={classes.runEdge}>
      <div className={classes.runHead}>
        <span>In run {runName(view.summary)}</span>
        {first === undefined ? (
          <span>
            <CircleDashed size={13} aria-hidden="true" /> not decided yet
          </span>
        ) : found.length > 1 ? (
          <span>
            taken {taken} of {found.length} times
          </span>
        ) : first.taken ? (
          <span>
            <CircleCheck size={13} aria-hidden="true" /> taken
          </span>
        ) : (
          <span>
            <CircleSlash2 size={13} aria-hidden="true" /> not taken
          </span>
        )}
      </div>
      {found.length === 1 && first?.because && <EvaluationView evaluation={first.because} />}
    </section>
  );
}
