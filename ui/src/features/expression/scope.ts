/** What an expression of a step can name. */
import type { KindInfo } from "../../bindings/KindInfo";
import type { RunView } from "../../bindings/RunView";
import type { Step } from "../../bindings/Step";
import type { Workflow } from "../../bindings/Workflow";
import { eachStep, findStep, graphOf, stepsBefore } from "../../state/document";

export interface ScopedStep {
  id: string;
  title: string;
  kind: string;
  /** Fields of its output: name and a few words. */
  fields: [string, string][];
  /** Its output in the run that is open, if there is one. */
  output?: unknown;
}

export interface ScopedName {
  name: string;
  help: string;
}

export interface ExpressionScope {
  /** Steps that come before. */
  steps: ScopedStep[];
  /** Names at the root besides `steps`. */
  names: ScopedName[];
  /** JSON Schema of `input`. */
  inputSchema?: unknown;
  /** Values by name, from the run that is open. */
  values: Record<string, unknown>;
  /** Run whose data `Try` uses. */
  run?: string;
}

const EXTRA: Record<string, string> = {
  output: "what the step gave",
  error: "why the step failed: code, message",
  attempt: "number of the attempt, from 1",
  value: "the value of the current cell",
  row: "the current row",
  iteration: "number of the iteration, from 0",
  item: "the current item of the loop",
  index: "place of the item, from 0",
};

interface ScopeRequest {
  workflow: Workflow;
  kinds: ReadonlyMap<string, KindInfo>;
  /** The step that the expression belongs to; absent: all steps are in scope. */
  step?: string;
  /** Names that the field adds (`output`, `error` …). */
  extra?: readonly string[];
  run?: RunView | null;
}

/** What an expression can name at a place of the document. */
export function scopeAt({ workflow, kinds, step, extra = [], run }: ScopeRequest): ExpressionScope {
  const found = step === undefined ? undefined : findStep(workflow, step);
  const all: Step[] = [];
  const containers: Step[] = [];
  const inside: Step[] = [];
  eachStep(workflow, (each, parents) => {
    all.push(each);
    if (each.id === step) {
      containers.push(...parents.flatMap((id) => findStep(workflow, id) ?? []));
    }
    // What `until` of a loop looks at: the steps of its body.
    if (step !== undefined && extra.includes("iteration") && parents.includes(step)) {
      inside.push(each);
    }
  });
  const steps = found ? [...stepsBefore(workflow, found.id), ...inside] : all;
  const names: ScopedName[] = [
    { name: "input", help: "what the run was started with" },
    { name: "run", help: "the run itself: id, number, time of its start" },
    { name: "env", help: "environment values that the workflow names" },
  ];
  const add = (name: string) => {
    if (!names.some((entry) => entry.name === name)) {
      names.push({ name, help: EXTRA[name] ?? "given by this field" });
    }
  };
  if (containers.some((container) => container.kind === "for_each") || found?.kind === "for_each") {
    add("item");
    add("index");
  }
  if (containers.some((container) => container.kind === "repeat")) {
    add("iteration");
  }
  if (found && graphOf(workflow, found.id).edges.some((edge) => edge.to === step && edge.on !== undefined)) {
    add("error");
  }
  for (const name of extra) {
    add(name);
  }
  return {
    steps: steps.map((entry) => {
      const output = run?.steps[entry.id]?.output;
      return {
        id: entry.id,
        title: entry.name || entry.id,
        kind: entry.kind,
        fields: kinds.get(entry.kind)?.output.filter(([name]) => name !== "…") ?? [],
        ...(output === undefined || output === null ? {} : { output }),
      };
    }),
    names,
    ...(workflow.input === undefined ? {} : { inputSchema: workflow.input }),
    values: run ? { input: run.input } : {},
    ...(run ? { run: run.summary.id } : {}),
  };
}
