/** What an expression gives on the data of a run. Rust evaluates it; the window only shows the answer. */
import { ActionIcon, Loader } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { X } from "lucide-react";
import { toBackendError } from "../../backend/backend";
import { callAt } from "../../backend/call";
import { keys, runListQuery } from "../../backend/queries";
import { Words } from "../../components/Words";
import { runName, useRun } from "../../state/run";
import { useTargets } from "../../state/targets";
import ValueView from "../data/ValueView";
import classes from "./ExpressionEditor.module.css";

interface TryExpressionProps {
  source: string;
  /** The open run; absent: the newest of the workflow. */
  run: string | undefined;
  workflow: string;
  onClose: () => void;
}

export default function TryExpression({ source, run, workflow, onClose }: TryExpressionProps) {
  const ofRun = useRun((state) => state.target);
  const chosenTarget = useTargets((targets) => targets.chosen);
  // The open run stays where it is; the newest one is looked for where runs go.
  const where = run === undefined ? chosenTarget : ofRun;
  const [settled] = useDebouncedValue(source, 300);
  const last = useQuery({ ...runListQuery(where, { workflow, limit: 1 }), enabled: run === undefined });
  const newest = last.data?.runs[0];
  const chosen = run ?? newest?.id;
  const isReady = run !== undefined || last.isFetched;
  const tried = useQuery({
    queryKey: [...keys.expression(where), settled, chosen],
    queryFn: () =>
      callAt(where, "expression_try", {
        source: settled,
        scope: {},
        ...(chosen === undefined ? {} : { run: chosen }),
      }),
    enabled: isReady && settled.trim() !== "",
    gcTime: 10_000,
  });
  const about =
    run !== undefined
      ? "On the open run"
      : newest
        ? `On run ${runName(newest)}, the newest`
        : "No run yet, so there are no values";
  const failure = tried.error ? toBackendError(tried.error).message : tried.data?.error;
  return (
    <div className={classes.result}>
      <div className={classes.resultHead}>
        <span>{about}</span>
        {tried.isFetching && <Loader size={12} aria-label="Evaluating" />}
        <ActionIcon size="xs" aria-label="Close the result" onClick={onClose}>
          <X size={12} />
        </ActionIcon>
      </div>
      {failure ? (
        <div className={classes.finding} data-severity="error" style={{ padding: "0 9px 8px" }} role="status">
          <span>
            <Words text={failure} />
          </span>
        </div>
      ) : (
        tried.data && <ValueView value={tried.data.value} label="Result" empty="null" isCompact />
      )}
    </div>
  );
}
