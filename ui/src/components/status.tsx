import {
  Ban,
  CircleAlert,
  CircleCheck,
  CircleDashed,
  CircleHelp,
  CircleX,
  Clock,
  Info,
  LoaderCircle,
  type LucideIcon,
  Pause,
  RotateCcw,
  SkipForward,
  TriangleAlert,
  Undo2,
} from "lucide-react";
import type { RunStatus } from "../bindings/RunStatus";
import type { Severity } from "../bindings/Severity";
import type { StepStatus } from "../bindings/StepStatus";

/** How a state looks: icon and word always, colour besides. `tone` names the variables `--bt-<tone>[-soft]`. */
export type Look = { label: string; icon: LucideIcon; tone: Tone; isBusy?: boolean };

export type Tone = "running" | "waiting" | "succeeded" | "failed" | "warning" | "skipped";

export const stepLooks: Record<StepStatus, Look> = {
  running: { label: "Running", icon: LoaderCircle, tone: "running", isBusy: true },
  waiting: { label: "Waiting", icon: Clock, tone: "waiting" },
  retrying: { label: "Retrying", icon: RotateCcw, tone: "warning" },
  cancelling: { label: "Stopping", icon: LoaderCircle, tone: "warning", isBusy: true },
  "outcome-unknown": { label: "Outcome unknown", icon: CircleHelp, tone: "warning" },
  succeeded: { label: "Succeeded", icon: CircleCheck, tone: "succeeded" },
  failed: { label: "Failed", icon: CircleX, tone: "failed" },
  skipped: { label: "Skipped", icon: SkipForward, tone: "skipped" },
  cancelled: { label: "Stopped", icon: Ban, tone: "skipped" },
  undoing: { label: "Undoing", icon: LoaderCircle, tone: "warning", isBusy: true },
  undone: { label: "Undone", icon: Undo2, tone: "skipped" },
  "undo-failed": { label: "Undo failed", icon: CircleX, tone: "failed" },
};

export const idleLook: Look = { label: "Not started", icon: CircleDashed, tone: "skipped" };

export const runLooks: Record<RunStatus, Look> = {
  running: { label: "Running", icon: LoaderCircle, tone: "running", isBusy: true },
  waiting: { label: "Waiting", icon: Clock, tone: "waiting" },
  paused: { label: "Paused", icon: Pause, tone: "waiting" },
  succeeded: { label: "Succeeded", icon: CircleCheck, tone: "succeeded" },
  failed: { label: "Failed", icon: CircleX, tone: "failed" },
  cancelled: { label: "Stopped", icon: Ban, tone: "skipped" },
};

export const severityLooks: Record<Severity, Look> = {
  error: { label: "Error", icon: CircleAlert, tone: "failed" },
  warning: { label: "Warning", icon: TriangleAlert, tone: "warning" },
  info: { label: "Note", icon: Info, tone: "running" },
};
