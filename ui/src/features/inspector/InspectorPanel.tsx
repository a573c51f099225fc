/** The settings of what is selected: a step, an edge, or else the workflow itself. */
import { Layers } from "lucide-react";
import { useEffect, useRef } from "react";
import { PanelEmpty } from "../../components/Panel";
import { findEdge, findStep } from "../../state/document";
import { useEditor } from "../../state/editor";
import { useFocus } from "../../state/focus";
import { useRun } from "../../state/run";
import { Where } from "../../state/where";
import EdgeInspector from "./EdgeInspector";
import EdgeRunData from "./EdgeRunData";
import classes from "./inspector.module.css";
import NoteInspector from "./NoteInspector";
import StepInspector from "./StepInspector";
import StepRunData from "./StepRunData";
import WorkflowInspector from "./WorkflowInspector";

export default function InspectorPanel() {
  const edited = useEditor((editor) => editor.doc);
  const readOnly = useEditor((editor) => editor.readOnly);
  const selection = useEditor((editor) => editor.selection);
  const view = useRun((run) => run.view);
  const target = useRun((run) => run.target);
  const document = view?.document ?? edited;
  const isReadOnly = readOnly !== null || view !== null;
  const scroll = useRef<HTMLDivElement>(null);
  useWantedField(scroll);

  if (!document) {
    return <PanelEmpty title="Nothing is open" hint="Open a workflow to see its settings." />;
  }
  const total = selection.steps.length + selection.edges.length + selection.notes.length;
  const step =
    total === 1 && selection.steps[0] !== undefined ? findStep(document, selection.steps[0]) : undefined;
  const edge =
    total === 1 && selection.edges[0] !== undefined
      ? findEdge(document, selection.edges[0])?.edge
      : undefined;
  const note = total === 1 ? document.notes.find((one) => one.id === selection.notes[0]) : undefined;
  return (
    <section className={classes.panel} aria-label="Inspector" data-testid="inspector">
      <div className={classes.scroll} ref={scroll}>
        {readOnly !== null && view === null && (
          <div className={classes.banner} data-tone="warning">
            <span>Read-only: {readOnly}</span>
          </div>
        )}
        {total > 1 ? (
          <PanelEmpty
            icon={<Layers size={20} />}
            title={`${total} selected`}
            hint="Select one step or edge to see its settings. Delete, duplicate and drag work on all of them."
          />
        ) : step ? (
          <div key={step.id}>
            {view && (
              <Where.Provider value={target}>
                <StepRunData view={view} step={step.id} />
              </Where.Provider>
            )}
            <StepInspector document={document} step={step} isReadOnly={isReadOnly} />
          </div>
        ) : edge ? (
          <div key={`${edge.from}-${edge.to}`}>
            {view && <EdgeRunData view={view} edge={selection.edges[0] ?? ""} />}
            <EdgeInspector document={document} edge={edge} isReadOnly={isReadOnly} />
          </div>
        ) : note ? (
          <NoteInspector key={note.id} note={note} isReadOnly={isReadOnly} />
        ) : (
          <WorkflowInspector key={document.id} document={document} isReadOnly={isReadOnly} />
        )}
      </div>
    </section>
  );
}

/** The element for `path`, or for the nearest thing around it. */
function findField(root: HTMLElement, path: string): HTMLElement | null {
  for (let at = path; at !== ""; at = at.replace(/(?:\.[^.[\]]+|\[\d+\]|^[^.[\]]+)$/, "")) {
    const found = root.querySelector<HTMLElement>(`[data-field-path="${CSS.escape(at)}"]`);
    if (found) {
      return found;
    }
  }
  return null;
}

/** Brings a field that somebody asks for into view and focuses it, once the selection shows it. */
function useWantedField(scroll: React.RefObject<HTMLDivElement | null>) {
  const request = useFocus((focus) => focus.request);
  const done = useFocus((focus) => focus.done);
  const selection = useEditor((editor) => editor.selection);
  useEffect(() => {
    const field = request?.place.field;
    if (!request || field === undefined) {
      return;
    }
    const { step, edge } = request.place;
    if (
      (step !== undefined && selection.steps[0] !== step) ||
      (edge !== undefined && selection.edges[0] !== edge)
    ) {
      return;
    }
    // Rows and sections open first, because they see the request too.
    const timer = setTimeout(() => {
      const found = scroll.current && findField(scroll.current, field);
      if (found) {
        found.scrollIntoView({ block: "center" });
        const control = found.matches("input,textarea")
          ? found
          : found.querySelector<HTMLElement>(
              "input:not([type=radio]),textarea,.cm-content,button[role=combobox],button",
            );
        control?.focus({ preventScroll: true });
        found.dataset.flash = "true";
        setTimeout(() => delete found.dataset.flash, 1_500);
      }
      done(request.nonce);
    }, 60);
    return () => clearTimeout(timer);
  }, [request, selection, done, scroll]);
}
