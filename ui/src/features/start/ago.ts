const STEPS: [limit: number, size: number, unit: Intl.RelativeTimeFormatUnit][] = [
  [3_600_000, 60_000, "minute"],
  [86_400_000, 3_600_000, "hour"],
  [7 * 86_400_000, 86_400_000, "day"],
  [60 * 86_400_000, 7 * 86_400_000, "week"],
];

/** How long ago an instant was, in words. */
export function ago(at: number, now = Date.now()): string {
  const past = now - at;
  if (past < 60_000) return "just now";
  const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  for (const [limit, size, unit] of STEPS) {
    if (past < limit) return words.format(-Math.floor(past / size), unit);
  }
  return new Date(at).toLocaleDateString();
}
