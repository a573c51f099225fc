/** How a value is shown. */
import type { BlobRef } from "../../bindings/BlobRef";
import type { TableRef } from "../../bindings/TableRef";

export type Shown =
  | { as: "nothing" }
  | { as: "table"; table: TableRef }
  | { as: "blob"; blob: BlobRef }
  | { as: "tree"; value: object }
  | { as: "text"; text: string };

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isTable(value: unknown): value is TableRef {
  return (
    isRecord(value) &&
    value.$type === "table" &&
    typeof value.artifact === "string" &&
    Array.isArray(value.columns)
  );
}

export function isBlob(value: unknown): value is BlobRef {
  return isRecord(value) && value.$type === "blob" && typeof value.artifact === "string";
}

export function shownAs(value: unknown): Shown {
  if (value === undefined || value === null) {
    return { as: "nothing" };
  }
  if (isTable(value)) {
    return { as: "table", table: value };
  }
  if (isBlob(value)) {
    return { as: "blob", blob: value };
  }
  if (typeof value === "object") {
    return { as: "tree", value };
  }
  return { as: "text", text: typeof value === "string" ? value : JSON.stringify(value) };
}

/** One line about a value, for badges and collapsed branches. */
export function brief(value: unknown, max = 60): string {
  if (isTable(value)) {
    return `table · ${value.rows.toLocaleString("en")} rows × ${value.columns.length}`;
  }
  if (isBlob(value)) {
    return `large value · ${formatBytes(value.bytes)}`;
  }
  if (Array.isArray(value)) {
    return `${value.length} ${value.length === 1 ? "item" : "items"}`;
  }
  if (isRecord(value)) {
    const keys = Object.keys(value);
    return keys.length === 0 ? "empty" : clip(keys.join(", "), max);
  }
  return clip(value === undefined ? "nothing" : (JSON.stringify(value) ?? String(value)), max);
}

export function clip(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max - 1)}…` : text;
}

export function formatBytes(bytes: number): string {
  const units = ["bytes", "KB", "MB", "GB"];
  let size = bytes;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? size : size.toFixed(1)} ${units[unit]}`;
}
