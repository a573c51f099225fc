/** The next instants of a schedule as Rust counts them, each with what the clock there differs from UTC. */
import { Skeleton } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { toBackendError } from "../../backend/backend";
import { scheduleQuery } from "../../backend/queries";
import { sentence } from "../../components/Panel";
import { Words } from "../../components/Words";
import { formatRelative } from "../runs/time";
import { useNow } from "../runs/use-now";
import classes from "./triggers.module.css";

const TIME_SETTINGS = ["cron", "every", "anchor", "dates", "timeZone"];

export default function SchedulePreview({ settings }: { settings: Record<string, unknown> }) {
  const wanted = Object.fromEntries(
    Object.entries(settings).filter(([name, value]) => TIME_SETTINGS.includes(name) && value !== undefined),
  );
  const [asked] = useDebouncedValue(JSON.stringify(wanted), 250);
  const shown = useQuery({
    ...scheduleQuery(JSON.parse(asked) as Record<string, unknown>),
    placeholderData: keepPreviousData,
    // The first of them passes.
    refetchInterval: (query) => {
      const first = query.state.data?.next[0];
      return first === undefined ? false : Math.max(1_000, first.at - Date.now());
    },
  });
  const now = useNow(1_000);
  const next = shown.data?.next ?? [];
  const hasProblems = (shown.data?.problems.length ?? 0) > 0;
  return (
    <section className={classes.preview} aria-label="Next starts" data-testid="schedule-preview">
      {shown.data?.summary && (
        <p className={classes.previewWords} data-testid="schedule-words">
          <Words text={shown.data.summary} />
        </p>
      )}
      <p className={classes.previewTitle}>
        Next starts <span>with the offset from UTC</span>
      </p>
      {shown.isPending ? (
        <Skeleton height={16} width="70%" />
      ) : shown.isError ? (
        <p className={classes.quiet}>{sentence(toBackendError(shown.error).message)}</p>
      ) : hasProblems ? (
        <p className={classes.quiet}>Known once the schedule is complete.</p>
      ) : next.length === 0 ? (
        <p className={classes.quiet}>None: all of its dates are over.</p>
      ) : (
        <ol className={classes.instants}>
          {next.map((due) => (
            <li key={due.at}>
              <span>
                {weekday(due.local)} {due.local.replace("T", " ").replace(/:00$/, "")}
              </span>
              <span className={classes.offset}>{due.offset}</span>
              <span className={classes.relative}>{formatRelative(due.at, now)}</span>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

/** The day of a local date, whatever zone this machine is in. */
function weekday(local: string): string {
  return new Date(`${local}Z`).toLocaleDateString("en", { weekday: "short", timeZone: "UTC" });
}
