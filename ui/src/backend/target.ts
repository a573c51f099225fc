import type { Commands } from "../bindings/Commands";
import type { TargetPlace } from "../bindings/TargetPlace";

/** Where a command about runs goes: the id of a target, or `null` for the Baton that answers this page. */
export type Target = string | null;

/** The Baton that answers this page. */
export const HERE = null;

export type PlaceKind = TargetPlace["kind"];

type Name = keyof Commands;

/** What a Temporal cluster is asked about runs. */
const OF_RUNS: readonly Name[] = [
  "approval_decide",
  "blob_get",
  "expression_try",
  "inbox_list",
  "run_cancel",
  "run_events",
  "run_get",
  "run_list",
  "run_pause",
  "run_raise",
  "run_resume",
  "run_retry_now",
  "run_settle",
  "run_start",
  "signal_send",
  "table_page",
];

/** What each kind of target is asked. The Rust side refuses everything else, with the same lists. */
const ASKED_THERE: Record<PlaceKind, ReadonlySet<Name>> = {
  server: new Set([
    ...OF_RUNS,
    "app_info",
    "input_list",
    "run_release",
    "workflow_compare",
    "workflow_kept",
    "workflow_pull",
    "workflow_push",
  ]),
  temporal: new Set([...OF_RUNS, "run_reset"]),
};

const EVERYWHERE: ReadonlySet<Name> = new Set([...ASKED_THERE.server, ...ASKED_THERE.temporal]);

/** Whether a kind of target can be asked this at all. */
export function isKnownBy(kind: PlaceKind, name: Name): boolean {
  return ASKED_THERE[kind].has(name);
}

/**
 * Decides where a command goes. The only place that does: what is about runs goes to the target, everything else (files,
 * drafts, settings, the targets themselves) stays here whatever is chosen.
 */
export function routed(
  target: Target,
  name: Name,
  request: unknown,
): { name: Name; request: unknown; isPassedOn: boolean } {
  if (target === HERE || !EVERYWHERE.has(name)) return { name, request, isPassedOn: false };
  return { name: "target_call", request: { target, command: name, request }, isPassedOn: true };
}
