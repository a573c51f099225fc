/** How kinds of triggers and what became of a firing look. */
import {
  Ban,
  CalendarX,
  CircleCheck,
  CircleX,
  Clock,
  FileInput,
  Hand,
  Hourglass,
  type LucideIcon,
  Pause,
  SkipForward,
  TriangleAlert,
  Webhook,
  Workflow,
  Zap,
} from "lucide-react";
import type { FiringStatus } from "../../bindings/FiringStatus";
import type { TriggerLine } from "../../bindings/TriggerLine";
import type { Look } from "../../components/status";

export const TRIGGER_KINDS: readonly { value: string; label: string; icon: LucideIcon }[] = [
  { value: "manual", label: "By hand", icon: Hand },
  { value: "schedule", label: "At times", icon: Clock },
  { value: "file", label: "When a file comes", icon: FileInput },
  { value: "webhook", label: "When it is called", icon: Webhook },
  { value: "workflow_finished", label: "After another workflow", icon: Workflow },
];

export function kindOf(kind: string): { label: string; icon: LucideIcon } {
  return TRIGGER_KINDS.find((one) => one.value === kind) ?? { label: kind, icon: Zap };
}

export const firingLooks: Record<FiringStatus, Look> = {
  pending: { label: "Starting", icon: Hourglass, tone: "running" },
  queued: { label: "Queued", icon: Clock, tone: "waiting" },
  started: { label: "Started", icon: CircleCheck, tone: "succeeded" },
  skipped: { label: "Skipped", icon: SkipForward, tone: "skipped" },
  missed: { label: "Missed", icon: CalendarX, tone: "warning" },
  failed: { label: "Not started", icon: CircleX, tone: "failed" },
};

/** Where a trigger stands. `isActing`: whether this Baton acts on triggers at all. */
export function lookOf(line: TriggerLine, isActing: boolean): Look {
  if (line.trouble) return { label: "In trouble", icon: TriangleAlert, tone: "failed" };
  if (line.status === "paused") return { label: "Paused", icon: Pause, tone: "waiting" };
  if (!isActing) return { label: "Not acting", icon: Ban, tone: "skipped" };
  return { label: "Active", icon: Zap, tone: "succeeded" };
}
