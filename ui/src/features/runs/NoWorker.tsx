/** Nobody works on a cluster: says so, and what to type where. */
import { UserRoundX } from "lucide-react";
import { Words } from "../../components/Words";
import { useLine } from "../../state/targets";
import { useWhere } from "../../state/where";
import CopyLine from "../webhooks/CopyLine";
import { workerCommand } from "./no-worker";
import classes from "./runs.module.css";

export function NoWorker({ words }: { words: string }) {
  const place = useLine(useWhere())?.place;
  return (
    <div className={classes.stop} role="status" data-testid="no-worker">
      <UserRoundX size={16} aria-hidden />
      <span className={classes.stopReason}>
        <b>
          <Words text={words} />.
        </b>{" "}
        The run goes on once you start one:
      </span>
      {place?.kind === "temporal" && (
        <div className={classes.stopCommand}>
          <CopyLine text={workerCommand(place)} what="the command" testId="worker-command" />
        </div>
      )}
    </div>
  );
}
