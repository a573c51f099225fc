/** Why a step ran, did not run, or took the way it took. */
import { ArrowDownToLine, ArrowUpFromLine, CircleCheck, CircleSlash2, Info } from "lucide-react";
import type { RunView } from "../../bindings/RunView";
import { Words } from "../../components/Words";
import { findStep, titleOf } from "../../state/document";
import EvaluationView from "./EvaluationView";
import { type EdgeLine, edgesOf, type RunRow } from "./run-rows";
import classes from "./runs.module.css";

export default function WhyView({ view, row }: { view: RunView; row: RunRow }) {
  const { incoming, outgoing } = edgesOf(view, row.path);
  const decisions = row.view?.because ?? [];
  const isEmpty = incoming.length === 0 && outgoing.length === 0 && decisions.length === 0 && !row.view?.note;
  return (
    <div className={classes.why}>
      {row.view?.note && (
        <p className={classes.whyNote}>
          <Info size={14} aria-hidden="true" /> <Words text={row.view.note} />
        </p>
      )}
      {row.view?.port && (
        <p className={classes.whyNote}>
          <CircleCheck size={14} aria-hidden="true" />
          <span>
            Took the port <code>{row.view.port}</code>
          </span>
        </p>
      )}
      {decisions.length > 0 && (
        <>
          <h4 className={classes.subhead}>What was decided</h4>
          {decisions.map((decision, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: decisions are in order and never change.
            <EvaluationView key={index} evaluation={decision} />
          ))}
        </>
      )}
      <Edges title="What led here" icon="in" lines={incoming} view={view} />
      <Edges title="What followed" icon="out" lines={outgoing} view={view} />
      {isEmpty && (
        <p className={classes.quietBlock}>
          {row.view
            ? "The first step of its graph: it started with the run."
            : "Nothing was decided about this step yet."}
        </p>
      )}
    </div>
  );
}

function Edges({
  title,
  icon,
  lines,
  view,
}: {
  title: string;
  icon: "in" | "out";
  lines: readonly EdgeLine[];
  view: RunView;
}) {
  if (lines.length === 0) {
    return null;
  }
  const Mark = icon === "in" ? ArrowDownToLine : ArrowUpFromLine;
  const name = (from: string) => {
    const [id = from, port] = from.split(".");
    const step = findStep(view.document, id);
    return `${step ? titleOf(step) : id}${port ? ` · ${port}` : ""}`;
  };
  return (
    <>
      <h4 className={classes.subhead}>
        <Mark size={13} aria-hidden="true" /> {title}
      </h4>
      {lines.map((line) => {
        const edge = view.edges[line.key];
        return (
          <div key={line.key} className={classes.whyEdge} data-taken={edge?.taken || undefined}>
            <div className={classes.whyEdgeHead}>
              {edge?.taken ? (
                <CircleCheck size={14} aria-hidden="true" />
              ) : (
                <CircleSlash2 size={14} aria-hidden="true" />
              )}
              <span>{icon === "in" ? name(line.from) : name(line.to)}</span>
              {icon === "out" && line.from.includes(".") && <code>{line.from.split(".")[1]}</code>}
              {line.key.endsWith("!error") && <code>on error</code>}
              {line.key.endsWith("!always") && <code>always</code>}
              <b>{edge?.taken ? "taken" : "not taken"}</b>
            </div>
            {edge?.because && <EvaluationView evaluation={edge.because} />}
          </div>
        );
      })}
    </>
  );
}
