/** What a step (or the whole run) took and gave, why it did what it did, and when. */
import { Tabs } from "@mantine/core";
import type { RunView } from "../../bindings/RunView";
import { useRun } from "../../state/run";
import ValueView from "../data/ValueView";
import ErrorView from "./ErrorView";
import EventList from "./EventList";
import type { RunRow } from "./run-rows";
import classes from "./runs.module.css";
import StepNow, { isAsking, StepQuestion } from "./StepNow";
import { useRunSelection } from "./selection";
import Timeline from "./Timeline";
import WhyView from "./WhyView";

interface RunDetailProps {
  view: RunView;
  row: RunRow | undefined;
  rows: readonly RunRow[];
}

export default function RunDetail({ view, row, rows }: RunDetailProps) {
  const wanted = useRunSelection((state) => state.tab);
  const setTab = useRunSelection((state) => state.setTab);
  const isLive = useRun((run) => run.atSeq === null);
  const error = row ? row.view?.error : view.summary.error;
  const asks = isLive && isAsking(row?.view);
  const tabs = [
    ...(asks ? [{ value: "decide", label: "Decide" }] : []),
    { value: "output", label: row ? "Output" : "Result" },
    { value: "input", label: "Input" },
    ...(row ? [{ value: "why", label: "Why" }] : []),
    ...(error ? [{ value: "error", label: "Error" }] : []),
    { value: "events", label: "Events" },
    { value: "timeline", label: "Timeline" },
  ];
  // Where nobody chose a tab, the one that says most is in front.
  const output = row ? row.view?.output : view.outputs;
  const hasOutput = output !== undefined && output !== null;
  const telling = asks
    ? "decide"
    : error && !hasOutput
      ? "error"
      : hasOutput
        ? "output"
        : row
          ? row.view?.status === "skipped"
            ? "why"
            : "output"
          : "timeline";
  const shown = wanted !== null && tabs.some((tab) => tab.value === wanted) ? wanted : telling;
  return (
    <div className={classes.detail}>
      <Tabs
        value={shown}
        onChange={(next) => setTab(next)}
        className={classes.tabs ?? ""}
        keepMounted={false}
      >
        <div className={classes.tabRow}>
          <Tabs.List>
            {tabs.map((one) => (
              <Tabs.Tab key={one.value} value={one.value} data-testid={`tab-${one.value}`}>
                {one.label}
              </Tabs.Tab>
            ))}
          </Tabs.List>
          {row && <StepNow key={row.path} view={view} row={row} isLive={isLive} />}
        </div>
        {row && asks && (
          <Tabs.Panel value="decide" className={classes.tabPanel ?? ""}>
            <StepQuestion view={view} row={row} />
          </Tabs.Panel>
        )}
        <Tabs.Panel value="output" className={classes.tabPanel ?? ""}>
          <ValueView
            value={row ? row.view?.output : view.outputs}
            label={row ? `Output of ${row.step.id}` : "Result of the run"}
            empty={emptyWords(row, "output")}
          />
        </Tabs.Panel>
        <Tabs.Panel value="input" className={classes.tabPanel ?? ""}>
          <ValueView
            value={
              row
                ? row.view && Object.keys(row.view.with ?? {}).length > 0
                  ? row.view.with
                  : undefined
                : view.input
            }
            label={row ? `Settings of ${row.step.id}, evaluated` : "Input of the run"}
            empty={emptyWords(row, "input")}
          />
        </Tabs.Panel>
        {row && (
          <Tabs.Panel value="why" className={classes.tabPanel ?? ""}>
            <WhyView view={view} row={row} />
          </Tabs.Panel>
        )}
        {error && (
          <Tabs.Panel value="error" className={classes.tabPanel ?? ""}>
            <ErrorView error={error} />
          </Tabs.Panel>
        )}
        <Tabs.Panel value="events" className={classes.tabPanel ?? ""}>
          <EventList view={view} path={row?.path} />
        </Tabs.Panel>
        <Tabs.Panel value="timeline" className={classes.tabPanel ?? ""}>
          <Timeline view={view} rows={rows} path={row?.path ?? null} />
        </Tabs.Panel>
      </Tabs>
    </div>
  );
}

function emptyWords(row: RunRow | undefined, what: "output" | "input"): string {
  if (!row) {
    return what === "output" ? "The run has given no result" : "The run was started without input";
  }
  if (!row.view) {
    return "This step has not started at this moment of the run";
  }
  if (what === "input") {
    return "This step has no settings that were evaluated";
  }
  switch (row.view.status) {
    case "skipped":
      return "The step was skipped, so there is no output";
    case "running":
    case "waiting":
    case "retrying":
      return "The step has not ended yet";
    default:
      return "The step gave no output";
  }
}
