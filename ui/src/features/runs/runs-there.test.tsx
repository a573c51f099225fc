import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";
import { setBackend } from "../../backend/backend";
import { type MemoryBackend, memoryBackend, plainCheck, plainChecked } from "../../backend/memory";
import { HERE } from "../../backend/target";
import type { Problem } from "../../bindings/Problem";
import type { RunView } from "../../bindings/RunView";
import type { StepView } from "../../bindings/StepView";
import type { TargetLine } from "../../bindings/TargetLine";
import type { Workflow } from "../../bindings/Workflow";
import { useEditor } from "../../state/editor";
import { useRights } from "../../state/rights";
import { useRun } from "../../state/run";
import { askTargetProblems, useTargetProblems } from "../../state/target-problems";
import { useTargets } from "../../state/targets";
import { useView } from "../../state/view";
import { renderWith } from "../../test-render";
import { RunBanner } from "../canvas/RunBanner";
import HistoryPanel from "../history/HistoryPanel";
import InboxPanel from "../inbox/InboxPanel";
import StepInspector from "../inspector/StepInspector";
import ProblemsPanel from "../problems/ProblemsPanel";
import { workerCommand } from "./no-worker";
import RunPanel from "./RunPanel";
import StartRunDialog from "./StartRunDialog";
import { startRun } from "./start-run";

const doc: Workflow = {
  format: 1,
  id: "churn",
  name: "Churn",
  triggers: [],
  notes: [],
  layout: {},
  steps: [
    { id: "load", kind: "read_table", name: "Load", with: { path: "in.csv" } },
    { id: "score", kind: "query", name: "Score" },
    { id: "tell", kind: "http_request", name: "Tell" },
    { id: "ask", kind: "approval", name: "Ask" },
  ],
  edges: [
    { from: "load", to: "score" },
    { from: "score", to: "tell" },
    { from: "tell", to: "ask" },
  ],
};

const step = (status: StepView["status"], startedAt: number, endedAt?: number): StepView => ({
  status,
  attempt: 1,
  attempts: 1,
  startedAt,
  ...(endedAt === undefined ? {} : { endedAt }),
});

const view: RunView = {
  summary: {
    id: "r1",
    number: 7,
    workflow: "churn",
    workflowName: "Churn",
    digest: "d",
    status: "running",
    startedAt: 1_000,
    seq: 12,
    stepsDone: 3,
    stepsTotal: 4,
    waitingFor: ["no worker is listening on the task queue `baton`"],
  },
  document: doc,
  seq: 12,
  at: 5_000,
  status: "running",
  input: {},
  outputs: null,
  steps: {
    load: step("succeeded", 1_000, 2_000),
    score: step("succeeded", 2_000, 3_000),
    tell: step("succeeded", 3_000, 4_000),
    ask: step("running", 4_000),
  },
  edges: {},
};

const problem: Problem = {
  code: "target-local-file",
  severity: "warning",
  place: { step: "load", field: "with.path" },
  message: "`load` uses `in.csv` of the server",
  hint: "put the file there",
};
const cluster: TargetLine = {
  id: "cluster",
  name: "Cluster",
  place: {
    kind: "temporal",
    address: "localhost:7233",
    namespace: "default",
    taskQueue: "baton",
    tls: false,
  },
  hasSecret: false,
};
const server: TargetLine = {
  id: "prod",
  name: "Production",
  place: { kind: "server", url: "https://a" },
  hasSecret: true,
};

const kind = (name: string, effect: "pure" | "unsafe") => ({
  kind: name,
  title: name,
  summary: "",
  category: "data" as const,
  icon: "database",
  ports: [],
  effect,
  isControl: false,
  isContainer: false,
  form: {
    fields: [
      {
        name: "path",
        widget: "text" as const,
        label: "File",
        required: true,
        expression: true,
        secret: false,
        scope: [],
      },
    ],
  },
  schema: {},
  output: [],
});

let backend: MemoryBackend;

beforeEach(async () => {
  backend = memoryBackend({
    catalog_list: () => ({ kinds: [kind("read_table", "pure"), kind("http_request", "unsafe")] }),
  })
    .givenTarget({
      line: cluster,
      checked: plainChecked({ can: { reset: true, pause: true } }),
      problems: [problem],
      handlers: {
        run_get: ({ run }) => ({ ...view, summary: { ...view.summary, id: run } }),
        run_reset: () => ({ run: "r2" }),
        run_start: () => ({ run: "r1" }),
        run_list: () => ({ runs: [view.summary], total: 1 }),
        inbox_list: () => ({ items: [] }),
      },
    })
    .givenTarget({ line: server, handlers: { run_get: () => view } });
  setBackend(backend);
  useRun.getState().closeRun();
  useRights.setState({ user: null });
  useView.setState({ bottom: null, dialog: null });
  useTargets.setState({ chosen: HERE, list: null, error: null, standings: {}, dialog: null });
  useTargetProblems.setState({ target: HERE, document: null, problems: [] });
  useEditor.getState().load({
    document: doc,
    path: "/w.baton.json",
    revision: "r",
    readOnly: null,
    check: plainCheck(doc),
    draft: null,
    trust: { trusted: true, effects: [] },
  });
  await useTargets.getState().load();
  useTargets.getState().choose("cluster");
  await useTargets.getState().check("cluster");
});

const disabled = (id: string) => screen.getByTestId(id).hasAttribute("disabled");

describe("a run of a cluster", () => {
  it("names its target, and says that nobody works and what to type", async () => {
    await useRun.getState().openRun("r1", "cluster");
    renderWith(
      backend,
      <>
        <RunBanner />
        <RunPanel />
      </>,
    );
    expect(screen.getByLabelText("Run 7 on Cluster")).toBeDefined();
    expect(screen.getAllByTestId("target-chip").map((chip) => chip.textContent)).toEqual([
      "on Cluster",
      "on Cluster",
    ]);
    expect(screen.getByTestId("no-worker").textContent).toContain(
      "No worker is listening on the task queue baton.",
    );
    expect(screen.getByTestId("worker-command").textContent).toBe(
      "baton worker --temporal localhost:7233 --namespace default --task-queue baton",
    );
  });

  it("goes back to a step after saying what is repeated and what is not", async () => {
    await useRun.getState().openRun("r1", "cluster");
    renderWith(backend, <RunPanel />);
    fireEvent.click(screen.getByTestId("run-step-score"));
    fireEvent.click(await screen.findByTestId("reset-score"));
    const dialog = await screen.findByTestId("reset-dialog");
    const lists = [...dialog.querySelectorAll("ul")].map((list) =>
      [...list.children].map((one) => one.textContent),
    );
    expect(lists).toEqual([["Score", "Tell", "Ask"], ["Load"]]);
    await waitFor(() => expect(dialog.textContent).toContain("Tell has acted already"));
    fireEvent.change(screen.getByTestId("reset-reason"), { target: { value: " wrong prices " } });
    fireEvent.submit(dialog);
    await waitFor(() => expect(useRun.getState().runId).toBe("r2"));
    expect(backend.asked("cluster").find(({ command }) => command === "run_reset")?.request).toEqual({
      run: "r1",
      step: "score",
      reason: "wrong prices",
    });
    expect(useRun.getState().target).toBe("cluster");
  });

  it("says on a server that there is no going back, and on this computer offers none", async () => {
    await useRun.getState().openRun("r1", "prod");
    const { unmount } = renderWith(backend, <RunPanel />);
    fireEvent.click(screen.getByTestId("run-step-score"));
    const button = await screen.findByTestId("reset-score");
    expect(button.hasAttribute("disabled")).toBe(true);
    expect(button.getAttribute("title")).toContain("“Production” cannot go back to a step");
    unmount();
    backend.givenRun(view);
    await useRun.getState().openRun("r1", HERE);
    renderWith(backend, <RunPanel />);
    fireEvent.click(screen.getByTestId("run-step-score"));
    expect(screen.queryByTestId("reset-score")).toBeNull();
  });

  it("writes the worker's command so that a shell takes it", () => {
    expect(
      workerCommand({ ...cluster.place, kind: "temporal", blobs: "/srv/my files", tls: true } as never),
    ).toBe(
      "baton worker --temporal localhost:7233 --namespace default --task-queue baton --blobs '/srv/my files' --tls",
    );
  });
});

describe("what a role forbids", () => {
  it("is disabled with the reason, here as there", async () => {
    useRights.setState({ user: { name: "vic", roles: ["view"] } });
    await useRun.getState().openRun("r1", "cluster");
    renderWith(backend, <RunPanel />);
    for (const id of ["run-pause", "run-cancel", "run-again"]) {
      expect(disabled(id)).toBe(true);
      expect(screen.getByTestId(id).getAttribute("title")).toContain("role “run”");
    }
  });
});

describe("panels", () => {
  it("show the runs of the chosen target, and open them there", async () => {
    renderWith(backend, <HistoryPanel />);
    expect(screen.getByTestId("place-line").textContent).toContain("On Cluster");
    fireEvent.click(await screen.findByTestId("history-run-7"));
    await waitFor(() => expect(useRun.getState()).toMatchObject({ runId: "r1", target: "cluster" }));
    expect(backend.requests("run_list")).toEqual([]);
  });

  it("do not forget the questions of this computer", async () => {
    backend.given("inbox_list", () => ({
      items: [
        {
          run: view.summary,
          step: "ask",
          question: { kind: "approval", title: "Q", to: [], evidenceDigest: "e", quorum: 1 } as never,
          askedAt: 1,
          answers: [],
          isOutcome: false,
        },
      ],
    }));
    renderWith(backend, <InboxPanel />);
    expect(await screen.findByText("Nothing to decide")).toBeDefined();
    expect((await screen.findByTestId("waits-here")).textContent).toContain(
      "One question waits on this computer",
    );
    fireEvent.click(screen.getByText("Show it"));
    expect(await screen.findByTestId("approve-ask")).toBeDefined();
    expect(useTargets.getState().chosen).toBe(HERE);
  });
});

describe("what a target does otherwise", () => {
  it("stands in a group of its own among the problems, and at the field", async () => {
    await askTargetProblems();
    renderWith(
      backend,
      <>
        <ProblemsPanel />
        <StepInspector document={doc} step={doc.steps[0] as never} isReadOnly={false} />
      </>,
    );
    expect(screen.getByTestId("problems-target").textContent).toContain("On Cluster");
    const field = await screen.findByTestId("field-path");
    const hint = within(field).getByTestId("target-hint");
    expect(hint.textContent).toContain("On Cluster: load uses in.csv of the server. Put the file there");
  });

  it("is said before the start, which names the place", async () => {
    await startRun();
    expect(useView.getState().dialog).toBe("start-run");
    renderWith(backend, <StartRunDialog opened onClose={() => useView.getState().closeDialog()} />);
    expect((await screen.findByTestId("start-where")).textContent).toContain("It runs on Cluster");
    expect(screen.getByTestId("target-warnings").textContent).toContain("Otherwise on Cluster");
    fireEvent.click(screen.getByTestId("start-run-submit"));
    await waitFor(() => expect(useRun.getState()).toMatchObject({ runId: "r1", target: "cluster" }));
    expect(backend.requests("run_start")).toEqual([]);
  });
});
