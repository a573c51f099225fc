import type { Budget } from "../../bindings/Budget";
import type { Exceeded } from "../../bindings/Exceeded";
import { formatDuration } from "./time";

/** What each budget is called, and in which unit a person writes it. */
export const BUDGETS: Record<Budget, { title: string; unit: string; factor: number }> = {
  steps: { title: "Steps started", unit: "steps", factor: 1 },
  iterations: { title: "Iterations of a loop", unit: "iterations", factor: 1 },
  depth: { title: "Sub-workflows below one another", unit: "sub-workflows", factor: 1 },
  payload: { title: "One value", unit: "MB", factor: 1_000_000 },
  runPayload: { title: "All values and tables", unit: "MB", factor: 1_000_000 },
  memory: { title: "Values in memory", unit: "MB", factor: 1_000_000 },
  wallTime: { title: "Time since the start", unit: "minutes", factor: 60_000 },
};

/** `256 MB`, `10.7 GB`. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let amount = bytes;
  let unit = 0;
  while (amount >= 999.95 && unit < units.length - 1) {
    amount /= 1_000;
    unit += 1;
  }
  const text = unit === 0 ? String(amount) : amount.toFixed(1).replace(/\.0$/, "");
  return `${text} ${units[unit]}`;
}

/** Bytes of `256 MB`; `null` if the text is no amount of data. */
export function parseBytes(text: string): number | null {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([kmgt]?i?b)\s*$/i.exec(text);
  const factor =
    match &&
    {
      b: 1,
      kb: 1e3,
      mb: 1e6,
      gb: 1e9,
      tb: 1e12,
      kib: 2 ** 10,
      mib: 2 ** 20,
      gib: 2 ** 30,
    }[(match[2] ?? "").toLowerCase()];
  return match && factor ? Math.round(Number(match[1]) * factor) : null;
}

/** An amount of a budget with its unit. */
export function amountOf(budget: Budget, amount: number): string {
  switch (budget) {
    case "payload":
    case "runPayload":
    case "memory":
      return formatBytes(amount);
    case "wallTime":
      return formatDuration(amount);
    case "steps":
    case "iterations":
    case "depth":
      return `${amount.toLocaleString("en")} ${BUDGETS[budget].unit}`;
  }
}

/** What is used up, in a sentence without a full stop. */
export function exceededWords({ budget, used, limit, step }: Exceeded): string {
  const much = amountOf(budget, used);
  const allowed = budget === "wallTime" ? amountOf(budget, limit) : amountOf(budget, limit);
  const at = step ? ` at ${step}` : "";
  switch (budget) {
    case "steps":
      return `It has started ${much}, and ${allowed} are allowed`;
    case "iterations":
      return `A loop${at} needs ${much}, and ${allowed} are allowed`;
    case "depth":
      return `${much} would wait one below the other${at}, and ${allowed} are allowed`;
    case "payload":
      return `A value${at} has ${much}, and ${allowed} are allowed`;
    case "runPayload":
      return `The values of the run have ${much} together, and ${allowed} are allowed`;
    case "memory":
      return `The run holds ${much} of values in memory, and ${allowed} are allowed`;
    case "wallTime":
      return `It has taken ${much}, and ${allowed} are allowed`;
  }
}

/** How much to allow so that the run gets as far again: in the unit in which a person writes it. */
export function proposed({ budget, used, limit }: Exceeded): number {
  const { factor } = BUDGETS[budget];
  return Math.ceil((Math.max(used, limit) * 2) / factor);
}
