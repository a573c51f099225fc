// How the scripts talk to people: short lines, no colour where nobody would see it.

const colours = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (code) => (text) => (colours ? `\u001b[${code}m${text}\u001b[0m` : text);

export const bold = paint("1");
export const dim = paint("2");
export const red = paint("31");
export const green = paint("32");
export const yellow = paint("33");

export function say(text = "") {
  process.stdout.write(`${text}\n`);
}

/** "7.4 s", "3 min 05 s". */
export function duration(ms) {
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`;
}

/** Something that people can put right; the message says how. Shown without a stack. */
export class Trouble extends Error {
  constructor(message, hint) {
    super(message);
    this.hint = hint;
  }
}

/** Runs a script's main function and turns its failure into a message and an exit code. */
export async function main(work) {
  try {
    process.exitCode = (await work()) ?? 0;
  } catch (error) {
    if (!(error instanceof Trouble)) throw error;
    say(`${red("error:")} ${error.message}`);
    if (error.hint) say(`${dim("hint:")}  ${error.hint}`);
    process.exitCode = 1;
  }
}

/** Numbers the steps of a script: `1/4 Look for what is needed`. */
export function steps(total) {
  let number = 0;
  return async (title, work) => {
    number += 1;
    const label = bold(`${number}/${total} ${title}`);
    say(label);
    const start = Date.now();
    const result = await work();
    say(dim(`    ${typeof result === "string" ? `${result}, ` : ""}${duration(Date.now() - start)}`));
    return result;
  };
}
