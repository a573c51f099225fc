/** One run: its steps, what each took and gave, why, and the slider over everything that happened. */
import { Button } from "@mantine/core";
import { CloudOff, Play } from "lucide-react";
import { useEffect, useMemo } from "react";
import type { BackendError } from "../../backend/backend";
import { HERE } from "../../backend/target";
import type { RunView } from "../../bindings/RunView";
import { PanelEmpty, PanelError, PanelSkeleton } from "../../components/Panel";
import { Words } from "../../components/Words";
import { useEditor } from "../../state/editor";
import { useWhyNot } from "../../state/rights";
import { runName, useRun } from "../../state/run";
import { useNameOf, useTargets } from "../../state/targets";
import { useWhere, Where } from "../../state/where";
import { PlaceLine } from "../targets/PlaceLine";
import RunDetail from "./RunDetail";
import RunHeader from "./RunHeader";
import RunSlider from "./RunSlider";
import RunSteps from "./RunSteps";
import RunStops from "./RunStops";
import { runRows } from "./run-rows";
import classes from "./runs.module.css";
import { useRunSelection } from "./selection";
import { startRun } from "./start-run";

export default function RunPanel() {
  const runId = useRun((run) => run.runId);
  const target = useRun((run) => run.target);
  const view = useRun((run) => run.view);
  const error = useRun((run) => run.error);
  const refresh = useRun((run) => run.refresh);
  const chosen = useTargets((targets) => targets.chosen);
  const whyNot = useWhyNot("run_start", chosen);
  const hasDocument = useEditor((editor) => editor.doc !== null);
  if (runId === null) {
    return (
      <div className={classes.panel} data-testid="run-panel">
        <PanelEmpty
          icon={<Play size={20} />}
          title="No run is open"
          hint="Start this workflow, or open an earlier run from the history. Every run stays here with all that happened in it."
          action={
            hasDocument ? (
              <Button
                mt={6}
                leftSection={<Play size={14} />}
                disabled={whyNot !== null}
                title={whyNot ?? undefined}
                onClick={() => void startRun()}
                data-testid="run-panel-start"
              >
                Start a run
              </Button>
            ) : undefined
          }
        />
      </div>
    );
  }
  if (!view) {
    return (
      <div className={classes.panel} data-testid="run-panel">
        <PlaceLine target={target} />
        {error ? <PanelError error={error} onRetry={() => void refresh()} /> : <PanelSkeleton rows={6} />}
      </div>
    );
  }
  return (
    <Where.Provider value={target}>
      <OpenRun key={`${target}/${runId}`} view={view} />
    </Where.Provider>
  );
}

function OpenRun({ view }: { view: RunView }) {
  const error = useRun((run) => run.error);
  const refresh = useRun((run) => run.refresh);
  const path = useRunSelection((state) => state.path);
  const bodies = useRunSelection((state) => state.bodies);
  const setPath = useRunSelection((state) => state.setPath);
  const reset = useRunSelection((state) => state.reset);
  const selected = useEditor((editor) =>
    editor.selection.steps.length === 1 ? editor.selection.steps[0] : undefined,
  );
  const rows = useMemo(() => runRows(view, bodies), [view, bodies]);

  useEffect(() => reset(), [reset]);
  // What is selected on the canvas is looked at here.
  // biome-ignore lint/correctness/useExhaustiveDependencies: only a new selection moves the list.
  useEffect(() => {
    if (
      selected !== undefined &&
      (path === null || rows.find((row) => row.path === path)?.step.id !== selected)
    ) {
      const row = rows.find((one) => one.step.id === selected);
      if (row) {
        setPath(row.path);
      }
    } else if (selected === undefined && path !== null) {
      setPath(null);
    }
  }, [selected]);

  const row = rows.find((one) => one.path === path);
  const where = useWhere();
  const place = useNameOf(where);
  const title = `Run ${runName(view.summary)}${where === HERE ? "" : ` on ${place}`}`;
  return (
    <section className={classes.panel} aria-label={title} data-testid="run-panel">
      <RunHeader view={view} />
      <RunStops view={view} />
      {error && <Interrupted error={error} onRetry={() => void refresh()} />}
      <div className={classes.columns}>
        <RunSteps view={view} rows={rows} />
        <RunDetail view={view} row={row} rows={rows} />
      </div>
      <RunSlider view={view} />
    </section>
  );
}

/** The run cannot be read at the moment: what is shown is older. */
function Interrupted({ error, onRetry }: { error: BackendError; onRetry: () => void }) {
  return (
    <div className={classes.stop} data-tone="failed" role="alert" data-testid="run-interrupted">
      <CloudOff size={16} aria-hidden />
      <span className={classes.stopWords}>
        <b>
          <Words text={error.message} />.
        </b>{" "}
        {error.hint && <Words text={error.hint} />} <code>{error.code}</code>
      </span>
      <Button size="compact-sm" variant="default" onClick={onRetry}>
        Try again
      </Button>
    </div>
  );
}
