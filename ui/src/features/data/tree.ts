/** A JSON value as lines of a tree. */
import { isBlob, isRecord, isTable } from "./kind-of-value";

export interface TreeRow {
  /** `customers[3].name`: also what an expression would say. */
  path: string;
  name: string;
  depth: number;
  value: unknown;
  /** Number of children; 0 for a leaf. */
  size: number;
  isOpen: boolean;
}

const PLAIN = /^[A-Za-z_]\w*$/;

export function joinPath(base: string, key: string | number): string {
  if (typeof key === "number") {
    return `${base}[${key}]`;
  }
  const part = PLAIN.test(key) ? key : `\`${key}\``;
  return base === "" ? part : `${base}.${part}`;
}

export function childrenOf(value: unknown): [string | number, unknown][] {
  if (isTable(value) || isBlob(value)) {
    return [];
  }
  if (Array.isArray(value)) {
    return value.map((entry, index) => [index, entry]);
  }
  return isRecord(value) ? Object.entries(value) : [];
}

function hit(name: string, value: unknown, needle: string): boolean {
  if (name.toLowerCase().includes(needle)) {
    return true;
  }
  return value === null || typeof value !== "object" ? String(value).toLowerCase().includes(needle) : false;
}

function holds(name: string, value: unknown, needle: string): boolean {
  return (
    hit(name, value, needle) || childrenOf(value).some(([key, child]) => holds(String(key), child, needle))
  );
}

/**
 * The visible lines. With a search, the branches that lead to a hit are open and the others are left out.
 */
export function treeRows(root: unknown, open: ReadonlySet<string>, search = ""): TreeRow[] {
  const needle = search.trim().toLowerCase();
  const rows: TreeRow[] = [];
  const walk = (value: unknown, base: string, depth: number, all: boolean) => {
    for (const [key, child] of childrenOf(value)) {
      const name = String(key);
      if (needle !== "" && !all && !holds(name, child, needle)) {
        continue;
      }
      const path = joinPath(base, key);
      const size = childrenOf(child).length;
      const named = all || (needle !== "" && hit(name, child, needle));
      const isOpen = size > 0 && (open.has(path) || (needle !== "" && !named));
      rows.push({ path, name, depth, value: child, size, isOpen });
      if (isOpen) {
        walk(child, path, depth + 1, named && needle !== "");
      }
    }
  };
  walk(root, "", 0, false);
  return rows;
}

/** The branches that are open at first: the outer ones, as long as the tree stays small. */
export function firstOpen(root: unknown, limit = 60): Set<string> {
  const open = new Set<string>();
  let shown = childrenOf(root).length;
  let level = childrenOf(root).map(([key, child]) => ({ path: joinPath("", key), child }));
  while (level.length > 0) {
    const next: typeof level = [];
    for (const { path, child } of level) {
      const inner = childrenOf(child);
      if (inner.length > 0 && shown + inner.length <= limit) {
        shown += inner.length;
        open.add(path);
        next.push(...inner.map(([key, value]) => ({ path: joinPath(path, key), child: value })));
      }
    }
    level = next;
  }
  return open;
}
