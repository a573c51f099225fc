// Workflows that the journeys make for themselves.

/** A chain of `length` steps that each set a value, in rows of 25. */
export function chain(length, id = "chain") {
  const name = (index) => `s${String(index).padStart(4, "0")}`;
  const numbers = Array.from({ length }, (_, index) => index);
  return {
    format: 1,
    id,
    name: `A chain of ${length} steps`,
    steps: numbers.map((index) => ({
      id: name(index),
      kind: "set_values",
      name: `Step ${index}`,
      with: { values: { number: index } },
    })),
    edges: numbers.slice(1).map((index) => ({ from: name(index - 1), to: name(index) })),
    layout: Object.fromEntries(
      numbers.map((index) => {
        const row = Math.floor(index / 25);
        const column = row % 2 === 0 ? index % 25 : 24 - (index % 25);
        return [name(index), [column * 280, row * 160]];
      }),
    ),
  };
}

/** The text of a workflow file. */
export const textOf = (workflow) => `${JSON.stringify(workflow, null, 2)}\n`;
