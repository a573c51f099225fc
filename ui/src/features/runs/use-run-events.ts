/** The log of a run, read piece by piece: what is known is never read again. */
import { useEffect, useState } from "react";
import { type BackendError, toBackendError } from "../../backend/backend";
import { call } from "../../backend/call";
import type { EventLine } from "../../bindings/EventLine";

const PIECE = 2_000;

interface Log {
  run: string;
  events: EventLine[];
}

export function useRunEvents(
  run: string,
  last: number,
): { events: EventLine[]; error: BackendError | null; retry: () => void } {
  const [log, setLog] = useState<Log>({ run, events: [] });
  const [error, setError] = useState<BackendError | null>(null);
  const [round, setRound] = useState(0);
  const events = log.run === run ? log.events : [];
  const known = events.length;
  // biome-ignore lint/correctness/useExhaustiveDependencies: `round` asks again.
  useEffect(() => {
    if (known >= last) {
      return;
    }
    let isWanted = true;
    call("run_events", { run, after: known, limit: PIECE }).then(
      (answer) => {
        if (isWanted) {
          setError(null);
          setLog((before) => ({
            run,
            events: [...(before.run === run ? before.events : []), ...answer.events],
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
  }, [run, known, last, round]);
  return { events, error, retry: () => setRound(round + 1) };
}
