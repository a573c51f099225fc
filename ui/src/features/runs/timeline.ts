/** The bars of the timeline. */
import type { RunView } from "../../bindings/RunView";
import type { StepView } from "../../bindings/StepView";

export interface Bar {
  path: string;
  view: StepView;
  from: number;
  to: number;
  isOpen: boolean;
}

/** Most lines that are drawn. */
export const MAX_BARS = 400;

/** Every step that began, in the order of beginning. */
export function barsOf(view: Pick<RunView, "steps" | "at" | "status">, now: number): Bar[] {
  return Object.entries(view.steps)
    .flatMap(([path, step]) => {
      if (typeof step.startedAt !== "number") {
        return [];
      }
      const isOpen = typeof step.endedAt !== "number";
      return [
        { path, view: step, from: step.startedAt, to: Math.max(step.startedAt, step.endedAt ?? now), isOpen },
      ];
    })
    .sort((a, b) => a.from - b.from || a.path.localeCompare(b.path, "en", { numeric: true }));
}

const NICE = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000,
  600_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 14_400_000, 28_800_000, 43_200_000, 86_400_000,
  172_800_000, 604_800_000, 2_592_000_000,
];

/** Round places on an axis of `span` milliseconds, about `count` of them. */
export function ticksOf(span: number, count: number): number[] {
  const step = NICE.find((one) => span / one <= count) ?? Math.ceil(span / count);
  const ticks: number[] = [];
  for (let at = 0; at <= span; at += step) {
    ticks.push(at);
  }
  return ticks;
}
