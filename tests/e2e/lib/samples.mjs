// What the journeys need to know about a sample is read from its file, so that a sample may change its names.
import { readFileSync } from "node:fs";
import { inProject } from "../../../scripts/lib/paths.mjs";

export function readSample(name) {
  const workflow = JSON.parse(readFileSync(inProject("workflows", `${name}.baton.json`), "utf8"));
  const ofKind = (kind) => workflow.steps.find((step) => step.kind === kind)?.id;
  return { ...workflow, ofKind };
}
