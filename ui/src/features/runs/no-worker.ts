/** Runs of a cluster that nobody works on. */
import type { RunSummary } from "../../bindings/RunSummary";
import type { TargetPlace } from "../../bindings/TargetPlace";
import { hasEnded } from "../../state/run";

/** How the reason begins that stands first while nobody takes the work of a cluster. */
const NO_WORKER = "no worker is listening";

/** The reason in words; `null`: somebody works, or there is nothing more to do. */
export function noWorkerOf(summary: Pick<RunSummary, "status" | "waitingFor">): string | null {
  const [first] = summary.waitingFor;
  return !hasEnded(summary.status) && first?.startsWith(NO_WORKER) ? first : null;
}

/** What is typed on a machine that shall work for a cluster. */
export function workerCommand(place: TargetPlace & { kind: "temporal" }): string {
  const options: [name: string, value: string | undefined][] = [
    ["--temporal", place.address],
    ["--namespace", place.namespace],
    ["--task-queue", place.taskQueue],
    ["--blobs", place.blobs],
    ["--keys", place.keys],
    ["--tls-ca", place.tlsCa],
    ["--tls-cert", place.tlsCert],
    ["--tls-key", place.tlsKey],
  ];
  const said = options.flatMap(([name, value]) => (value ? [`${name} ${quoted(value)}`] : []));
  return ["baton worker", ...said, ...(place.tls ? ["--tls"] : [])].join(" ");
}

/** As a shell takes it as one word. */
function quoted(value: string): string {
  return /^[\w@%+=:,./-]+$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`;
}
