import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { appInfoQuery } from "../../backend/queries";
import { eachStep, findStep, titleOf } from "../../state/document";
import { useEditor } from "../../state/editor";
import classes from "./toolbar.module.css";

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** What is selected, how large the document is, and what runs here. */
export function StatusBar() {
  const doc = useEditor((editor) => editor.doc);
  const path = useEditor((editor) => editor.path);
  const selection = useEditor((editor) => editor.selection);
  const { data: app } = useQuery(appInfoQuery);

  const size = useMemo(() => {
    let steps = 0;
    let edges = doc?.edges.length ?? 0;
    if (doc) {
      eachStep(doc, (step) => {
        steps += 1;
        edges += step.body?.edges.length ?? 0;
      });
    }
    return `${count(steps, "step", "steps")}, ${count(edges, "edge", "edges")}`;
  }, [doc]);

  const { steps, edges, notes } = selection;
  const [first] = steps;
  const step = doc && first !== undefined && steps.length === 1 ? findStep(doc, first) : undefined;
  const total = steps.length + edges.length + notes.length;
  const selected = step
    ? `${titleOf(step)} (${step.id})`
    : total > 0
      ? `${total} selected`
      : "Nothing selected";
  return (
    <footer className={classes.statusBar}>
      <span aria-live="polite">{selected}</span>
      <span>{size}</span>
      <span style={{ flex: 1 }}>{path}</span>
      {app?.owner && (
        <span title="It carries the runs out. When it ends, this program goes on with them.">
          Connected to {app.owner}
        </span>
      )}
      {app && <span>{app.person}</span>}
      {app && <span>Baton {app.version}</span>}
    </footer>
  );
}
