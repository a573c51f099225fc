// The studio over HTTP, with a Temporal cluster as a target: what is started there is shown, answered and ended as if it ran
// here. Real server, real worker, real programs.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { baton, makePlace } from "../e2e/lib/place.mjs";
import { serve } from "../e2e/lib/serve.mjs";
import { connectTo, eventually, programsOf, startCluster, startWorker } from "./lib/cluster.mjs";

const queue = "studio";
let place, cluster, server, studio, blobs, target, worker;

before(async () => {
  place = makePlace();
  blobs = join(place.folder, "blobs");
  [cluster, server] = await Promise.all([startCluster(), serve(place)]);
  studio = await connectTo(server);
});

after(async () => {
  studio?.close();
  await worker?.stop();
  await server?.stop();
  await cluster?.stop();
  place?.remove();
});

const there = async (command, request = {}) => (await studio.call("target_call", { target, command, request })).value;
const here = (command, request = {}) => studio.call(command, request);
const where = (extra = {}) => ({
  kind: "temporal",
  address: cluster.address,
  namespace: "default",
  taskQueue: queue,
  blobs,
  tls: false,
  ...extra,
});

/** Steps and edges as they are shown, without what differs from run to run. */
function states(view) {
  const steps = Object.entries(view.steps).map(([path, step]) => [path, step.status, step.port ?? null, step.attempt]);
  return { status: view.status, steps: steps.sort(), edges: Object.entries(view.edges).map(([key, edge]) => [key, edge.taken]).sort() };
}

async function when(ask, run, what, isSo) {
  return await eventually(what, async () => {
    const view = await ask("run_get", { run });
    return isSo(view) && view;
  });
}

/** Starts a workflow, answers its first question, and gives the run as it ended. */
async function wholeRun(ask, document, path) {
  const { run } = await ask("run_start", { document, path, input: {} });
  await when(ask, run, "the question", (view) => view.status === "waiting");
  const { items } = await ask("inbox_list");
  const asked = items.find((item) => item.run.id === run);
  assert.ok(asked, "the question is in the inbox");
  assert.equal(asked.isOutcome, false);
  await ask("approval_decide", { run, step: asked.step, decision: "approved", evidenceDigest: asked.question.evidence_digest ?? asked.question.evidenceDigest });
  return await when(ask, run, "the end", (view) => view.summary.endedAt !== undefined);
}

const asks = {
  format: 1,
  id: "asks",
  name: "Asks twice",
  steps: [
    { id: "make", kind: "set_values", with: { values: { x: 7 } } },
    { id: "ask", kind: "approval", with: { to: ["kim"], expires: "2d" } },
    { id: "note", kind: "run_command", with: { program: "sh", args: ["-c", "echo noted >> noted.txt"], effect: "idempotent" } },
    { id: "hear", kind: "wait_for", with: { event: "paid", timeout: "2d" } },
  ],
  edges: [{ from: "make", to: "ask" }, { from: "ask.approved", to: "note" }, { from: "note", to: "hear" }],
};

test("a cluster is kept as a target, and what is wrong with it is said", async () => {
  const line = await here("target_add", { name: "Cluster", place: where() });
  target = line.id;
  const checked = await here("target_check", { target });
  assert.equal(checked.ok, true, JSON.stringify(checked));
  const found = Object.fromEntries(checked.findings.map((one) => [one.code, one]));
  assert.deepEqual([found.server.ok, found.namespace.ok, found["no-worker"].ok], [true, true, false]);
  assert.ok(found["no-worker"].hint);
  assert.deepEqual([checked.can.reset, checked.can.pause], [true, true]);

  const wrong = await here("target_try", { name: "Wrong", place: where({ namespace: "elsewhere" }) });
  assert.equal(wrong.ok, false);
  assert.ok(wrong.findings.some((one) => one.code === "namespace-unknown" && !one.ok && one.hint));
  const nowhere = await here("target_try", { name: "Nowhere", place: where({ address: "127.0.0.1:1" }) });
  assert.deepEqual([nowhere.ok, nowhere.findings[0].code], [false, "cluster-unreachable"]);
  const keys = join(place.folder, "keys");
  writeFileSync(keys, "k1:short");
  const unusable = await here("target_try", { name: "Keys", place: where({ keys }) });
  assert.deepEqual([unusable.ok, unusable.findings[0].code], [false, "keys-unusable"]);

  const { problems } = await here("target_problems", { target, document: asks });
  assert.deepEqual(problems.map((one) => [one.code, one.severity, one.place.step, one.place.field]), [["target-command", "warning", "note", "with.program"]]);
});

test("without a worker a run is shown, and says so first within five seconds", async () => {
  const begun = Date.now();
  const { run } = await there("run_start", { document: asks, input: {} });
  const view = await there("run_get", { run });
  assert.ok(Date.now() - begun < 5_000);
  assert.equal(view.summary.waitingFor[0], `no worker is listening on the task queue \`${queue}\``);
  assert.deepEqual([view.status, view.seq, view.document.id], ["running", 0, "asks"]);
  await eventually("the summary on the stream", () =>
    studio.events.some((one) => one.type === "target" && one.target === target && one.event.type === "run-advanced" && one.event.summary.id === run && one.event.summary.waitingFor[0]?.startsWith("no worker")),
  );
  const listed = await there("run_list", {});
  assert.deepEqual([listed.total, listed.runs[0].id, listed.runs[0].workflowName], [1, run, "Asks twice"]);
  assert.match(listed.runs[0].waitingFor[0], /^no worker is listening/);

  worker = await startWorker(place, cluster, { queue, blobs, work: place.workflows });
  // Nobody asks: it is told.
  await eventually("the run to go on", () =>
    studio.events.some((one) => one.type === "target" && one.event.type === "run-advanced" && one.event.summary.id === run && one.event.events.length > 0),
  );
  await when(there, run, "the question", (now) => now.status === "waiting" && !now.summary.waitingFor[0].startsWith("no worker"));
  await eventually("the question on the stream", () => studio.events.some((one) => one.type === "target" && one.event.type === "inbox-changed"));
  await there("run_cancel", { run, undo: false });
  const end = await when(there, run, "the end", (now) => now.summary.endedAt !== undefined);
  assert.equal(end.status, "cancelled");
});

test("a sample runs there as it runs here", async () => {
  const path = "workflows/airports.baton.json";
  const { document } = await here("workflow_open", { path });
  const [onCluster, local] = [await wholeRun(there, document, path), await wholeRun(here, document, path)];
  assert.equal(onCluster.status, "succeeded");
  assert.deepEqual(states(onCluster), states(local));
  assert.deepEqual(onCluster.outputs, local.outputs);
  assert.equal(onCluster.summary.outcome, local.summary.outcome);
  assert.deepEqual([onCluster.summary.stepsDone, onCluster.summary.stepsTotal], [local.summary.stepsDone, local.summary.stepsTotal]);
  assert.ok(existsSync(place.path("workflows", "out", "airports.parquet")));

  // The log in the same words, and the run at any event of it.
  const run = onCluster.summary.id;
  const { events, last } = await there("run_events", { run });
  const mine = await here("run_events", { run: local.summary.id });
  assert.equal(events.length, last);
  const words = (all) => all.map((one) => one.text.replace(/\d{4}-\d\d-\d\d [\d:]+/, "DATE")).sort();
  assert.deepEqual(words(events), words(mine.events));
  const early = await there("run_get", { run, seq: 3 });
  assert.deepEqual([early.seq, early.status, early.summary.status], [3, "running", "succeeded"]);

  // Tables and expressions read what the worker left in the folder.
  const { output } = onCluster.steps.load;
  const page = await there("table_page", { artifact: output.artifact, offset: 0, limit: 5, descending: false });
  assert.deepEqual([page.rows.length, page.total], [5, output.rows]);
  const tried = await there("expression_try", { source: "steps.load.rows", run });
  assert.equal(tried.value, output.rows);
  await assert.rejects(there("blob_get", { artifact: "0".repeat(64) }), { code: "not-found" });

  const failed = await there("run_list", { status: "failed" });
  const found = await there("run_list", { status: "succeeded", search: "AIRPORTS" });
  assert.deepEqual([failed.total, found.total, found.runs[0].id], [0, 1, run]);
});

test("it is answered, paused, heard, taken back to a step, and what comes too late is refused", async () => {
  const { run } = await there("run_start", { document: asks, input: {} });
  await when(there, run, "the question", (view) => view.status === "waiting");
  const { items } = await there("inbox_list");
  const [asked] = items.filter((item) => item.run.id === run);
  await assert.rejects(there("approval_decide", { run, step: "ask", decision: "approved", evidenceDigest: "another" }), { code: "conflict" });
  await there("run_pause", { run });
  await when(there, run, "the pause", (view) => view.status === "paused");
  await there("run_resume", { run });
  const digest = asked.question.evidence_digest ?? asked.question.evidenceDigest;
  await there("approval_decide", { run, step: "ask", decision: "approved", evidenceDigest: digest });
  await assert.rejects(there("approval_decide", { run, step: "ask", decision: "approved", evidenceDigest: digest }), { code: "already-ended" });
  await when(there, run, "the step to wait", (view) => view.steps.hear?.status === "waiting");
  assert.equal((await there("signal_send", { event: "nobody-waits" })).runs, 0);
  assert.equal((await there("signal_send", { event: "paid", payload: { amount: 3 } })).runs, 1);
  const end = await when(there, run, "the end", (view) => view.summary.endedAt !== undefined);
  assert.deepEqual([end.status, end.steps.hear.output.payload.amount], ["succeeded", 3]);
  await assert.rejects(there("run_cancel", { run, undo: false }), { code: "already-ended" });
  await assert.rejects(there("run_get", { run: "nothing" }), { code: "not-found" });
  await assert.rejects(there("folder_list", {}), { code: "bad-request" });

  const back = await there("run_reset", { run, step: "note" });
  assert.equal(back.run, run);
  const again = await when(there, run, "the step to wait again", (view) => view.steps.hear?.status === "waiting");
  assert.equal(again.summary.endedAt, undefined);
  assert.equal(again.steps.ask.status, "succeeded");
  assert.equal(readFileSync(place.path("workflows", "noted.txt"), "utf8").trim().split("\n").length, 2);
  await there("signal_send", { event: "paid", run });
  await when(there, run, "the second end", (view) => view.summary.endedAt !== undefined);
});

test("a program that dies is started again, and its target goes on", async () => {
  const { run } = await there("run_start", { document: asks, input: {} });
  await when(there, run, "the question", (view) => view.status === "waiting");
  const pids = programsOf(server.pid);
  assert.equal(pids.length, 1, "one process for each target");
  const seen = studio.events.length;
  process.kill(pids[0], "SIGKILL");
  await eventually("word that everything is to be read again", () => studio.events.slice(seen).some((one) => one.type === "target" && one.event.type === "lagged"));
  const view = await there("run_get", { run });
  assert.equal(view.status, "waiting");
  await there("run_cancel", { run, undo: false });
  await when(there, run, "the end", (now) => now.summary.endedAt !== undefined);
});

test("`baton submit`, `baton runs` and `baton worker` hand over to the program", async () => {
  const file = place.path("workflows", "plain.baton.json");
  writeFileSync(file, JSON.stringify({ format: 1, id: "plain", name: "Plain", steps: [{ id: "make", kind: "set_values", with: { values: { x: "{% input.n %}" } } }], edges: [] }));
  const address = `temporal://${cluster.address}/default/${queue}`;
  const run = (...args) => spawnSync(baton(), args, { cwd: place.workspace, env: place.env, encoding: "utf8", timeout: 60_000 });
  const submitted = run("submit", file, "--target", address, "--blobs", blobs, "--id", "by-hand", "--input", '{"n": 5}', "--watch", "--json");
  assert.equal(submitted.status, 0, submitted.stderr);
  const lines = submitted.stdout.trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual([lines[0].run, lines.at(-1).how], ["by-hand", "succeeded"]);
  const shown = run("runs", "show", "by-hand", "--target", address, "--json");
  assert.equal(shown.status, 0, shown.stderr);
  assert.equal(JSON.parse(shown.stdout).steps[0].output.x, 5);
  const view = await there("run_get", { run: "by-hand" });
  assert.deepEqual([view.status, view.summary.by, view.steps.make.output.x], ["succeeded", "cli", 5]);
  const refused = run("submit", file, "--target", "temporal://127.0.0.1:1/default/x", "--json");
  assert.equal(refused.status, 2);
  assert.equal(JSON.parse(refused.stderr).error.code, "cluster-unreachable");
  const code = await worker.stop();
  worker = undefined;
  assert.equal(code, 0, "a worker that is told to stop ends well");
});

test("nothing stays behind: the program ends with its target", async () => {
  await there("run_list", {});
  await here("target_remove", { target });
  await eventually("the program to end", () => programsOf(server.pid).length === 0);
});
