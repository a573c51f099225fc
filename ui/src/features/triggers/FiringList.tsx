/** What a trigger recorded, newest first: what fired, what did not, and why. */
import { Tooltip } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { ArrowRight } from "lucide-react";
import { useState } from "react";
import { firingsQuery } from "../../backend/queries";
import type { FiringLine } from "../../bindings/FiringLine";
import { Pager } from "../../components/Pager";
import { PanelError, PanelSkeleton } from "../../components/Panel";
import { Words } from "../../components/Words";
import StatusMark from "../runs/StatusMark";
import { formatExact, formatRelative } from "../runs/time";
import { useNow } from "../runs/use-now";
import { showRun } from "./act";
import { firingLooks } from "./trigger-looks";
import classes from "./triggers.module.css";

const PAGE = 20;

export default function FiringList({ workflow, trigger }: { workflow: string; trigger: string }) {
  const [page, setPage] = useState(0);
  const firings = useQuery({
    ...firingsQuery({ workflow, trigger, limit: PAGE, offset: page * PAGE }),
    placeholderData: keepPreviousData,
  });
  const now = useNow(30_000);
  if (firings.isPending) return <PanelSkeleton rows={3} />;
  if (firings.isError) return <PanelError error={firings.error} onRetry={() => void firings.refetch()} />;
  const { firings: list, total } = firings.data;
  if (list.length === 0) {
    return <p className={classes.quiet}>It has not fired yet.</p>;
  }
  return (
    <>
      <ol className={classes.firings} aria-label={`Firings of ${trigger}`}>
        {list.map((firing) => (
          <Firing key={firing.id} firing={firing} now={now} />
        ))}
      </ol>
      <Pager noun="firings" page={page} size={PAGE} total={total} onPage={setPage} />
    </>
  );
}

function Firing({ firing, now }: { firing: FiringLine; now: number }) {
  const at = firing.due ?? firing.recordedAt;
  const many = firing.count > 1 ? `${firing.count.toLocaleString("en")} times` : "";
  const until = firing.until === undefined ? "" : `, until ${formatExact(firing.until)}`;
  const { run } = firing;
  return (
    <li className={classes.firing} data-testid={`firing-${firing.id}`}>
      <span className={classes.firingStatus}>
        <StatusMark look={firingLooks[firing.status]} />
      </span>
      <Tooltip label={`${formatExact(at)}${until}`}>
        <span className={classes.when}>{formatRelative(at, Math.max(now, firing.recordedAt))}</span>
      </Tooltip>
      <span className={classes.words}>
        {many && <b>{many} </b>}
        {firing.by && <>by {firing.by} </>}
        {firing.reason && <Words text={firing.reason} />}
      </span>
      {run !== undefined && firing.status === "started" && (
        <button type="button" className={classes.link} onClick={() => showRun(run)}>
          Show the run <ArrowRight size={12} aria-hidden />
        </button>
      )}
    </li>
  );
}
