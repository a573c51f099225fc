import { CircleCheck, CircleX, TriangleAlert } from "lucide-react";
import type { BackendError } from "../../backend/backend";
import type { TargetFinding } from "../../bindings/TargetFinding";
import { Words } from "../../components/Words";
import { isAboutWorkers } from "../../state/targets";
import classes from "./targets.module.css";

interface FindingsProps {
  findings: readonly TargetFinding[];
  /** It could not even be looked at. */
  error?: BackendError | null;
}

/** What was looked at, each with its mark and its way out. */
export function Findings({ findings, error = null }: FindingsProps) {
  if (findings.length === 0 && !error) return null;
  return (
    <div role="status">
      <ul className={classes.findings} data-testid="target-findings">
        {error && (
          <li>
            <CircleX size={15} color="var(--bt-failed)" aria-label="Not in order" />
            <Said message={error.message} hint={error.hint} />
          </li>
        )}
        {findings.map((finding) => (
          <li key={finding.code} data-code={finding.code} data-ok={finding.ok}>
            {finding.ok ? (
              <CircleCheck size={15} color="var(--bt-succeeded)" aria-label="In order" />
            ) : isAboutWorkers(finding.code) ? (
              <TriangleAlert size={15} color="var(--bt-warning)" aria-label="Not yet" />
            ) : (
              <CircleX size={15} color="var(--bt-failed)" aria-label="Not in order" />
            )}
            <Said message={finding.message} hint={finding.hint} />
          </li>
        ))}
      </ul>
    </div>
  );
}

function Said({ message, hint }: { message: string; hint: string | undefined }) {
  return (
    <span className={classes.said}>
      <Words text={message} />
      {hint && (
        <small>
          <Words text={hint} />
        </small>
      )}
    </span>
  );
}
