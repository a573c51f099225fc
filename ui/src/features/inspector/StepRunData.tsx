/** What became of the selected step in the open run. */
import { ArrowRight } from "lucide-react";
import type { RunView } from "../../bindings/RunView";
import { StatusBadge } from "../../components/StatusBadge";
import { idleLook, stepLooks } from "../../components/status";
import { Words } from "../../components/Words";
import { hasEnded, runName } from "../../state/run";
import { useView } from "../../state/view";
import ValueView from "../data/ValueView";
import EvaluationView from "../runs/EvaluationView";
import { durationOf, runRows } from "../runs/run-rows";
import { useRunSelection } from "../runs/selection";
import { formatDuration, formatExact } from "../runs/time";
import { useNow } from "../runs/use-now";
import classes from "./inspector.module.css";
import Section from "./Section";

export default function StepRunData({ view, step }: { view: RunView; step: string }) {
  const bodies = useRunSelection((state) => state.bodies);
  const chosen = useRunSelection((state) => state.path);
  const setTab = useRunSelection((state) => state.setTab);
  const now = useNow(1_000, !hasEnded(view.status));
  const rows = runRows(view, bodies);
  const row =
    rows.find((one) => one.path === chosen && one.step.id === step) ??
    rows.find((one) => one.step.id === step);
  const state = row?.view;
  const duration = durationOf(state, Math.max(now, view.at));
  const settings = state?.with;
  return (
    <section aria-label="In this run" data-testid="inspector-run">
      <div className={classes.runHead}>
        <span>In run {runName(view.summary)}</span>
        <StatusBadge look={state ? stepLooks[state.status] : idleLook} size="sm" />
        {state && state.attempt > 1 && (
          <span>
            attempt {state.attempt} of {Math.max(state.attempt, state.attempts)}
          </span>
        )}
        {duration !== null && typeof state?.startedAt === "number" && (
          <span title={formatExact(state.startedAt)}>{formatDuration(duration)}</span>
        )}
        <button
          type="button"
          className={classes.link}
          onClick={() => {
            setTab("output");
            useView.getState().showPanel("bottom", "run");
          }}
        >
          Details <ArrowRight size={12} aria-hidden="true" />
        </button>
      </div>
      {state?.note && (
        <p className={classes.runNote}>
          <Words text={state.note} />
        </p>
      )}
      {state?.error && (
        <div className={classes.runError}>
          <b>
            <Words text={state.error.message} />
          </b>
          {state.error.hint && (
            <span>
              <Words text={state.error.hint} />
            </span>
          )}
          <code>{state.error.code}</code>
        </div>
      )}
      {state?.output !== undefined && state.output !== null && (
        <Section title="Output" note={state.port ? `port ${state.port}` : ""} isSet={false} isOpenAtFirst>
          <div className={classes.runValue}>
            <ValueView value={state.output} label={`Output of ${step}`} isCompact />
          </div>
        </Section>
      )}
      {settings && Object.keys(settings).length > 0 && (
        <Section title="Evaluated settings" note={`${Object.keys(settings).length}`} isSet={false}>
          <ValueView value={settings} label={`Evaluated settings of ${step}`} isCompact />
        </Section>
      )}
      {state?.because && state.because.length > 0 && (
        <Section title="Why" note={`${state.because.length} decided`} isSet={false} isOpenAtFirst>
          {state.because.map((decision, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: decisions are in order and never change.
            <EvaluationView key={index} evaluation={decision} />
          ))}
        </Section>
      )}
    </section>
  );
}
