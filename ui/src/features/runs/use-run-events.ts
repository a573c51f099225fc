/** The log of a run, read piece by piece: what is known is never read again. */
import { useEffect, useState } from "react";
import { type BackendError, toBackendError } from "../../backend/backend";
import { callAt } from "../../backend/call";
import type { Target } from "../../backend/target";
import type { EventLine } from "../../bindings/EventLine";
import { useWhere } from "../../state/where";

const PIECE = 2_000;

interface Log {
  where: Target;
  run: string;
  events: EventLine[];
}

export function useRunEvents(
  run: string,
  last: number,
): { events: EventLine[]; error: BackendError | null; retry: () => void } {
  const where = useWhere();
  const [log, setLog] = useState<Log>({ where, run, events: [] });
  const [error, setError] = useState<BackendError | null>(null);
  const [round, setRound] = useState(0);
  // A run that went back to a step has a shorter log than before: it is read again.
  const events = log.run === run && log.where === where && log.events.length <= last ? log.events : [];
  const known = events.length;
  // biome-ignore lint/correctness/useExhaustiveDependencies: `round` asks again.
  useEffect(() => {
    if (known >= last) {
      return;
    }
    let isWanted = true;
    callAt(where, "run_events", { run, after: known, limit: PIECE }).then(
      (answer) => {
        if (isWanted) {
          setError(null);
          setLog((before) => ({
            where,
            run,
            events: [
              ...(before.run === run && before.where === where && before.events.length === known
                ? before.events
                : []),
              ...answer.events,
            ],
          }));
        }
      },
      (thrown: unknown) => {
        if (isWanted) {
          setError(toBackendError(thrown));
        }
      },
    );
    return () => {
      isWanted = false;
    };
  }, [where, run, known, last, round]);
  return { events, error, retry: () => setRound(round + 1) };
}
