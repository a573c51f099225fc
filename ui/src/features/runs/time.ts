/** Times and durations in words. */

const UNITS: [number, string][] = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "m"],
  [1_000, "s"],
];

/** `850 ms`, `4.2 s`, `3 m 12 s`, `2 d 4 h`. */
export function formatDuration(ms: number): string {
  const span = Math.max(0, ms);
  if (span < 1_000) {
    return `${Math.round(span)} ms`;
  }
  if (span < 10_000) {
    return `${(span / 1_000).toFixed(1)} s`;
  }
  const parts: string[] = [];
  let rest = Math.round(span / 1_000) * 1_000;
  for (const [size, unit] of UNITS) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) {
      parts.push(`${count} ${unit}`);
    } else if (parts.length > 0) {
      break;
    }
    if (parts.length === 2) {
      break;
    }
  }
  return parts.join(" ");
}

/** `just now`, `4 minutes ago`, `in 2 days`. */
export function formatRelative(at: number, now: number): string {
  const span = at - now;
  const size = Math.abs(span);
  if (size < 10_000) {
    return "just now";
  }
  const steps: [number, Intl.RelativeTimeFormatUnit][] = [
    [31_536_000_000, "year"],
    [2_592_000_000, "month"],
    [86_400_000, "day"],
    [3_600_000, "hour"],
    [60_000, "minute"],
    [1_000, "second"],
  ];
  const [unitSize, unit] = steps.find(([length]) => size >= length) ?? [1_000, "second"];
  return new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(Math.round(span / unitSize), unit);
}

/** With seconds, in the time zone of the machine. */
export function formatExact(at: number): string {
  return new Date(at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}

/** Time of day with milliseconds. */
export function formatClock(at: number): string {
  const date = new Date(at);
  const two = (value: number, width = 2) => String(value).padStart(width, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${two(date.getMilliseconds(), 3)}`;
}

const FACTORS: Record<string, number> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** Milliseconds of `5m`, `1h30m`, `PT5M`; `null` if the text is no duration. The same rules as the core. */
export function parseDuration(text: string): number | null {
  const trimmed = text.trim();
  const iso = /^P(?:([\d.]+)W)?(?:([\d.]+)D)?(?:T(?:([\d.]+)H)?(?:([\d.]+)M)?(?:([\d.]+)S)?)?$/i.exec(
    trimmed,
  );
  if (iso && trimmed.length > 2) {
    const [, w, d, h, m, s] = iso;
    const of = (part: string | undefined, factor: number) => (part === undefined ? 0 : Number(part) * factor);
    return of(w, 604_800_000) + of(d, 86_400_000) + of(h, 3_600_000) + of(m, 60_000) + of(s, 1_000);
  }
  if (!/^(?:\d+(?:\.\d+)?[a-z]+\s*)+$/.test(trimmed)) {
    return null;
  }
  let total = 0;
  for (const [, number, unit] of trimmed.matchAll(/(\d+(?:\.\d+)?)([a-z]+)/g)) {
    const factor = FACTORS[unit ?? ""];
    if (factor === undefined) {
      return null;
    }
    total += Number(number) * factor;
  }
  return Math.round(total);
}
