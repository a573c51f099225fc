import { Button } from "@mantine/core";
import { PencilLine } from "lucide-react";
import { StatusBadge } from "../../components/StatusBadge";
import { runLooks } from "../../components/status";
import { useEditor } from "../../state/editor";
import { runName, useRun } from "../../state/run";
import { TargetChip } from "../targets/TargetChip";
import classes from "./Canvas.module.css";

/** Says that a run is shown, of which version, and leads back. */
export function RunBanner() {
  const view = useRun((run) => run.view);
  const target = useRun((run) => run.target);
  const atSeq = useRun((run) => run.atSeq);
  const setSeq = useRun((run) => run.setSeq);
  const closeRun = useRun((run) => run.closeRun);
  const digest = useEditor((editor) => editor.check?.digest);
  const hasDoc = useEditor((editor) => editor.doc !== null);
  if (!view) return null;
  const isCurrent = digest === view.summary.digest;
  return (
    <div className={classes.banner} role="status" data-testid="run-banner">
      <strong>Run {runName(view.summary)}</strong>
      <StatusBadge look={runLooks[atSeq === null ? view.summary.status : view.status]} />
      <TargetChip target={target} />
      {view.summary.outcome && <span>{view.summary.outcome}</span>}
      {hasDoc && !isCurrent && <span style={{ color: "var(--bt-text-muted)" }}>not the current version</span>}
      {atSeq !== null && (
        <Button variant="default" size="compact-sm" onClick={() => setSeq(null)}>
          Back to now
        </Button>
      )}
      <Button variant="light" size="compact-sm" leftSection={<PencilLine size={14} />} onClick={closeRun}>
        {hasDoc ? "Back to editing" : "Close"}
      </Button>
    </div>
  );
}
