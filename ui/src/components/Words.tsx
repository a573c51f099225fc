import { sentence } from "./Panel";
import classes from "./Words.module.css";

/** A message as a sentence; what stands in backticks becomes code. */
export function Words({ text, isPlain = false }: { text: string; isPlain?: boolean }) {
  return (isPlain ? text : sentence(text)).split("`").map((part, index) =>
    index % 2 === 1 ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: parts of one fixed text
      <code key={index} className={classes.code}>
        {part}
      </code>
    ) : (
      part
    ),
  );
}
