import type { Category } from "../../bindings/Category";
import type { KindInfo } from "../../bindings/KindInfo";

/** Headings of the palette, in the order in which they are shown. */
export const categories: Record<Category, { title: string; order: number }> = {
  data: { title: "Data", order: 0 },
  quality: { title: "Quality", order: 1 },
  flow: { title: "Flow", order: 2 },
  people: { title: "People", order: 3 },
  time: { title: "Time", order: 4 },
  systems: { title: "Systems", order: 5 },
  messages: { title: "Messages", order: 6 },
};

/** How well a kind answers a search; 0 for not at all. */
function score(kind: KindInfo, text: string): number {
  const title = kind.title.toLowerCase();
  if (title === text) return 100;
  if (title.startsWith(text)) return 80;
  if (title.split(/\s+/).some((word) => word.startsWith(text))) return 60;
  if (title.includes(text)) return 50;
  if (kind.kind.includes(text.replace(/\s+/g, "_"))) return 40;
  if (categories[kind.category].title.toLowerCase().startsWith(text)) return 20;
  if (kind.summary.toLowerCase().includes(text)) return 10;
  return 0;
}

/** Kinds that answer a search, best first; all of them by category for no search. */
export function searchKinds(kinds: readonly KindInfo[], search: string): KindInfo[] {
  const text = search.trim().toLowerCase();
  if (text === "") {
    return [...kinds].sort(
      (a, b) => categories[a.category].order - categories[b.category].order || a.title.localeCompare(b.title),
    );
  }
  return kinds
    .map((kind) => ({ kind, points: score(kind, text) }))
    .filter(({ points }) => points > 0)
    .sort((a, b) => b.points - a.points || a.kind.title.localeCompare(b.kind.title))
    .map(({ kind }) => kind);
}
