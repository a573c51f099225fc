/** How targets look and what is said about them, in one place. */
import { LoaderCircle, type LucideIcon, Monitor, Network, Server, UserRoundX } from "lucide-react";
import type { PlaceKind } from "../../backend/target";
import type { TargetFinding } from "../../bindings/TargetFinding";
import type { TargetPlace } from "../../bindings/TargetPlace";
import { sentence } from "../../components/Panel";
import { type Look, runLooks, severityLooks, stepLooks } from "../../components/status";
import { isAboutWorkers, isReachable, type Standing } from "../../state/targets";

const KINDS: Record<PlaceKind, { label: string; icon: LucideIcon }> = {
  server: { label: "Baton server", icon: Server },
  temporal: { label: "Temporal cluster", icon: Network },
};

export const HERE_ICON: LucideIcon = Monitor;

export function placeIcon(kind: PlaceKind | undefined): LucideIcon {
  return kind === undefined ? HERE_ICON : KINDS[kind].icon;
}

export function kindLabel(kind: PlaceKind): string {
  return KINDS[kind].label;
}

/** Where it is, in a line: `baton.example.com:8443`, `localhost:7233 · default · baton`. */
export function addressOf(place: TargetPlace): string {
  return place.kind === "server"
    ? place.url.replace(/^https?:\/\//, "").replace(/\/$/, "")
    : `${place.address} · ${place.namespace} · ${place.taskQueue}`;
}

const looks = {
  checking: { label: "Looking", icon: LoaderCircle, tone: "skipped", isBusy: true },
  ready: { ...stepLooks.succeeded, label: "Ready" },
  "no-worker": { label: "No worker", icon: UserRoundX, tone: "warning" },
  refused: { ...severityLooks.warning, label: "No access" },
  unreachable: { ...runLooks.failed, label: "Not reachable" },
  unfit: { ...severityLooks.warning, label: "Not ready" },
} satisfies Record<string, Look>;

/** How a target stands: whether it answers, lets whoever asks in, and has somebody who works. */
export function lookOf(standing: Standing | undefined): Look {
  if (!standing || (standing.isChecking && !standing.checked && !standing.error)) return looks.checking;
  const { checked, error } = standing;
  if (error) return error.code === "target-refused" ? looks.refused : looks.unreachable;
  const missing = decisive(standing);
  if (!checked || !missing) return looks.ready;
  if (isAboutWorkers(missing.code)) return looks["no-worker"];
  if (/^token$|^role-|permission|unauthorized/.test(missing.code)) return looks.refused;
  return isReachable(standing) ? looks.unfit : looks.unreachable;
}

/** The finding for which work cannot be taken, or is not taken by anybody; notes beside it are none. */
function decisive(standing: Standing | undefined): TargetFinding | undefined {
  const checked = standing?.checked;
  const missing = checked?.findings.filter((each) => !each.ok) ?? [];
  const worker = missing.find((each) => isAboutWorkers(each.code));
  if (!checked || checked.ok) return worker;
  // What is said beside the point (a certificate that ends soon, a clock) does not keep work away.
  return missing.find((each) => /unreachable|network|token|role-run|not-ready/.test(each.code)) ?? missing[0];
}

/** A message where no code can be shown: in a hint that hovers. */
export function plainly(text: string): string {
  return sentence(text).replaceAll("`", "");
}

/** What is in the way, in a sentence without a full stop; `null` if nothing is known to be. */
export function troubleOf(standing: Standing | undefined): { message: string; hint?: string } | null {
  const found = standing?.error ?? decisive(standing);
  if (!found) return null;
  const { message, hint } = found;
  return hint === undefined ? { message } : { message, hint };
}
