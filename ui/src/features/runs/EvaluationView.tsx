/** An automatic decision: what was asked, what it read, what came out. */
import { ArrowRight } from "lucide-react";
import type { Evaluation } from "../../bindings/Evaluation";
import { brief } from "../data/kind-of-value";
import classes from "./runs.module.css";

export default function EvaluationView({ evaluation }: { evaluation: Evaluation }) {
  const read = Object.entries(evaluation.read ?? {});
  return (
    <div className={classes.evaluation}>
      <div className={classes.evaluationHead}>
        <code>{evaluation.expression.replace(/^\{%\s*|\s*%\}$/g, "")}</code>
        <ArrowRight size={13} aria-label="gave" />
        <b data-result={String(evaluation.result)}>{brief(evaluation.result)}</b>
      </div>
      {read.length > 0 && (
        <dl className={classes.read}>
          {read.map(([path, value]) => (
            <div key={path}>
              <dt>{path}</dt>
              <dd>{brief(value, 120)}</dd>
            </div>
          ))}
        </dl>
      )}
    </div>
  );
}
