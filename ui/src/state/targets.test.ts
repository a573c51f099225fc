import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { listenToBackend } from "../app/events";
import { BackendError, setBackend } from "../backend/backend";
import { type MemoryBackend, memoryBackend, plainCheck, plainChecked } from "../backend/memory";
import { HERE } from "../backend/target";
import type { BackendEvent } from "../bindings/BackendEvent";
import type { RunView } from "../bindings/RunView";
import type { TargetLine } from "../bindings/TargetLine";
import { newWorkflow } from "./document";
import { useEditor } from "./editor";
import { useRights, whyNot } from "./rights";
import { useRun } from "./run";
import { useSettings } from "./settings";
import { askTargetProblems, useTargetProblems, watchTargetProblems } from "./target-problems";
import { nameOf, useTargets } from "./targets";

const server: TargetLine = {
  id: "prod",
  name: "Production",
  place: { kind: "server", url: "https://a" },
  hasSecret: true,
};
const cluster: TargetLine = {
  id: "cluster",
  name: "Cluster",
  place: { kind: "temporal", address: "a:7233", namespace: "n", taskQueue: "q", tls: false },
  hasSecret: false,
};

const doc = newWorkflow("Demo");
const view = (id: string, number: number): RunView => ({
  summary: {
    id,
    number,
    workflow: "w",
    workflowName: "W",
    digest: "d",
    status: "waiting",
    startedAt: 1,
    seq: 3,
    stepsDone: 0,
    stepsTotal: 1,
    waitingFor: [],
  },
  document: doc,
  seq: 3,
  at: 1,
  status: "waiting",
  input: {},
  outputs: null,
  steps: {},
  edges: {},
});

let backend: MemoryBackend;

beforeEach(() => {
  backend = memoryBackend({ run_get: ({ run }) => view(run, 1) })
    .givenTarget({ line: server, handlers: { run_get: ({ run }) => view(run, 70) } })
    .givenTarget({ line: cluster, checked: plainChecked({ can: { reset: true, pause: true } }) });
  setBackend(backend);
  useRun.getState().closeRun();
  useRights.setState({ user: null });
  useSettings.setState({ panels: {} });
  useTargets.setState({ chosen: HERE, list: null, error: null, standings: {}, dialog: null });
});

afterEach(() => {
  useRun.getState().closeRun();
  vi.useRealTimers();
});

describe("the chosen target", () => {
  it("is kept over restarts", async () => {
    await useTargets.getState().takeUp();
    expect(useTargets.getState().chosen).toBe(HERE);
    useTargets.getState().choose("prod");
    expect(backend.requests("settings_set").at(-1)?.panels).toEqual({ target: "prod" });
    useTargets.setState({ chosen: HERE, list: null });
    await useTargets.getState().takeUp();
    expect(useTargets.getState().chosen).toBe("prod");
    expect(nameOf("prod")).toBe("Production");
    useTargets.getState().choose(HERE);
    expect(backend.requests("settings_set").at(-1)?.panels).toEqual({});
  });

  it("gives way to this computer once it is no longer kept", async () => {
    await useTargets.getState().takeUp();
    useTargets.getState().choose("prod");
    backend.given("target_list", () => ({ targets: [cluster] }));
    await useTargets.getState().load();
    expect(useTargets.getState().chosen).toBe(HERE);
    expect(useSettings.getState().panels).toEqual({});
  });

  it("stays while the list cannot be read: nothing says that it is gone", async () => {
    useSettings.setState({ panels: { target: "prod" } });
    backend.given("target_list", () => {
      throw new BackendError({ code: "internal", message: "no" });
    });
    await useTargets.getState().takeUp();
    expect(useTargets.getState()).toMatchObject({ chosen: "prod", list: null, error: { message: "no" } });
  });

  it("is read again when the list changes, and tells nothing as this computer", async () => {
    const notify = vi.fn(async () => undefined);
    backend.notify = notify;
    const stop = listenToBackend(new QueryClient());
    await useTargets.getState().load();
    backend.emit({ type: "targets-changed" });
    await vi.waitFor(() => expect(backend.requests("target_list").length).toBe(2));
    const event = { type: "notification", title: "Done", body: "all", run: null } as const;
    backend.emit({ type: "target", target: "prod", event });
    expect(notify).not.toHaveBeenCalled();
    backend.emit(event);
    expect(notify).toHaveBeenCalledTimes(1);
    stop();
  });
});

describe("a run that is open", () => {
  it("keeps the target that it came from", async () => {
    await useRun.getState().openRun("r1", "prod");
    useTargets.getState().choose("cluster");
    await useRun.getState().refresh();
    expect(useRun.getState()).toMatchObject({ target: "prod", view: { summary: { number: 70 } } });
    expect(backend.asked("prod").every(({ command }) => command !== "run_get")).toBe(false);
    expect(backend.asked("cluster").some(({ command }) => command === "run_get")).toBe(false);
  });

  it("is never mixed with one of the same id elsewhere", async () => {
    let answer: (() => void) | undefined;
    backend.given("target_call", async ({ request }) => {
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      return { value: view((request as { run: string }).run, 70) };
    });
    const slow = useRun.getState().openRun("r1", "prod");
    await useRun.getState().openRun("r1", HERE);
    answer?.();
    await slow;
    expect(useRun.getState()).toMatchObject({ target: HERE, view: { summary: { number: 1 } } });
  });

  it("listens to the events of its target alone", async () => {
    vi.useFakeTimers({ now: 1_000_000 });
    await useRun.getState().openRun("r1", "prod");
    const asked = () => backend.asked("prod").filter(({ command }) => command === "run_get").length;
    const event: BackendEvent = {
      type: "run-advanced",
      summary: view("r1", 70).summary,
      events: [],
      truncated: false,
    };
    useRun.getState().onEvent(event);
    useRun.getState().onEvent({ type: "target", target: "cluster", event });
    await vi.advanceTimersByTimeAsync(500);
    expect(asked()).toBe(1);
    useRun.getState().onEvent({ type: "target", target: "prod", event });
    await vi.advanceTimersByTimeAsync(500);
    expect(asked()).toBe(2);
  });

  it("is looked after while it goes on elsewhere, and shows again what was interrupted", async () => {
    vi.useFakeTimers({ now: 1_000_000 });
    await useRun.getState().openRun("r1", "prod");
    const answers = backend.given;
    answers("target_call", () => {
      throw new BackendError({ code: "target-unreachable", message: "it does not answer", hint: "wait" });
    });
    await vi.advanceTimersByTimeAsync(3_000);
    expect(useRun.getState()).toMatchObject({ error: { code: "target-unreachable" }, view: { seq: 3 } });
    const ended = view("r1", 70);
    ended.summary.status = "succeeded";
    answers("target_call", () => ({ value: ended }));
    await vi.advanceTimersByTimeAsync(3_000);
    expect(useRun.getState()).toMatchObject({ error: null, view: { summary: { status: "succeeded" } } });
    const count = backend.requests("target_call").length;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(backend.requests("target_call").length).toBe(count);
  });
});

describe("why a target would not do something", () => {
  it("is its kind, what it can, and the roles there", async () => {
    backend.givenTarget({
      line: server,
      handlers: {
        app_info: () => ({
          version: "1",
          dataDir: "",
          platform: "linux",
          person: "vic",
          readOnly: null,
          owner: null,
          user: { name: "vic", roles: ["view"] },
        }),
      },
    });
    await useTargets.getState().load();
    expect(whyNot("run_reset", "cluster")).toBeNull();
    expect(whyNot("run_release", "cluster")).toMatch(/“Cluster” cannot let go on what was set aside/);
    expect(whyNot("run_reset", "prod")).toMatch(
      /“Production” cannot go back to a step: it is a Baton server/,
    );
    expect(whyNot("run_cancel", "prod")).toBeNull();
    await useTargets.getState().check("prod");
    expect(whyNot("run_cancel", "prod")).toMatch(/role “run”, which vic does not have on “Production”/);
    expect(whyNot("run_get", "prod")).toBeNull();
    expect(whyNot("run_cancel")).toBeNull();
    backend.givenTarget({ line: cluster, checked: plainChecked({ can: { reset: false, pause: false } }) });
    await useTargets.getState().check("cluster");
    expect(whyNot("run_pause", "cluster")).toMatch(/cannot let runs pause/);
  });
});

describe("what a target does otherwise", () => {
  const problem = {
    code: "target-notify",
    severity: "warning",
    place: { step: "a" },
    message: "nobody sees `a`",
  } as const;

  beforeEach(() => {
    backend.givenTarget({ line: server, problems: [problem] });
    useEditor.getState().load({
      document: doc,
      path: "/w.baton.json",
      revision: "r",
      readOnly: null,
      check: plainCheck(doc),
      draft: null,
      trust: { trusted: true, effects: [] },
    });
  });

  it("is asked after a pause in drawing, and at the choice of another target", async () => {
    vi.useFakeTimers();
    const stop = watchTargetProblems();
    await vi.advanceTimersByTimeAsync(300);
    expect(backend.requests("target_problems")).toEqual([]);
    useTargets.getState().choose("prod");
    await vi.advanceTimersByTimeAsync(300);
    expect(useTargetProblems.getState()).toMatchObject({ target: "prod", problems: [problem] });
    for (const name of ["A", "AB", "ABC"]) {
      useEditor.getState().edit("Rename", (draft) => {
        draft.name = name;
      });
    }
    await vi.advanceTimersByTimeAsync(300);
    expect(backend.requests("target_problems").map(({ document }) => document.name)).toEqual(["Demo", "ABC"]);
    useTargets.getState().choose(HERE);
    expect(useTargetProblems.getState().problems).toEqual([]);
    stop();
  });

  it("is dropped when another target was chosen before the answer came", async () => {
    let answer: (() => void) | undefined;
    backend.given("target_problems", async ({ target }) => {
      if (target === "prod") {
        await new Promise<void>((resolve) => {
          answer = resolve;
        });
      }
      return { problems: target === "prod" ? [problem] : [] };
    });
    useTargets.getState().choose("prod");
    const slow = askTargetProblems();
    useTargets.getState().choose("cluster");
    await askTargetProblems();
    answer?.();
    await slow;
    expect(useTargetProblems.getState()).toMatchObject({ target: "cluster", problems: [] });
  });
});
