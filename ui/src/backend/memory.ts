import type { BackendEvent } from "../bindings/BackendEvent";
import type { Commands } from "../bindings/Commands";
import type { EngineLimits } from "../bindings/EngineLimits";
import type { Problem } from "../bindings/Problem";
import type { RunView } from "../bindings/RunView";
import type { TargetChecked } from "../bindings/TargetChecked";
import type { TargetLine } from "../bindings/TargetLine";
import type { WebhookView } from "../bindings/WebhookView";
import type { Workflow } from "../bindings/Workflow";
import type { WorkflowChecked } from "../bindings/WorkflowChecked";
import { type Backend, BackendError } from "./backend";

type Handlers = {
  [N in keyof Commands]?: (
    request: Commands[N]["request"],
  ) => Commands[N]["response"] | Promise<Commands[N]["response"]>;
};

/** A check that finds nothing, with every step in a row. For tests; the true one is in Rust. */
export function plainCheck(document: Workflow): WorkflowChecked {
  const check: WorkflowChecked = { problems: [], digest: `digest-of-${document.id}`, steps: {}, layout: {} };
  const visit = (steps: Workflow["steps"]): [number, number] => {
    let x = 24;
    for (const step of steps) {
      const inner = step.body ? visit(step.body.steps) : undefined;
      const size: [number, number] =
        step.body && inner ? [Math.max(280, inner[0]), Math.max(160, inner[1])] : [220, 72];
      check.steps[step.id] = { ports: [], effect: "pure", summary: "", isKnown: true, size };
      check.layout[step.id] = document.layout?.[step.id] ?? [x, 64];
      x += size[0] + 80;
    }
    return [x - 56, 200];
  };
  visit(document.steps);
  for (const note of document.notes ?? []) check.layout[note.id] = document.layout?.[note.id] ?? [0, 0];
  return check;
}

/** The limits of a new data folder. */
export function plainLimits(): EngineLimits {
  return {
    run: {},
    concurrency: 8,
    kinds: {},
    resources: {},
    disk: {
      warn: 2_000_000_000,
      warnPercent: 5,
      pause: 500_000_000,
      readOnly: 100_000_000,
      ballast: 33_554_432,
    },
  };
}

/** Webhooks on a machine where nobody switched them on. */
export function plainWebhooks(): WebhookView {
  return { isOn: false, port: 8_787, ip: "127.0.0.1", hooks: [], strays: [] };
}

/** A target in memory: what is kept of it, how it stands, and what it answers. */
export type MemoryTarget = {
  line: TargetLine;
  checked?: TargetChecked | (() => TargetChecked);
  /** Findings about every workflow. */
  problems?: Problem[];
  handlers?: Handlers;
};

/** A target where all is well. */
export function plainChecked(more: Partial<TargetChecked> = {}): TargetChecked {
  return {
    ok: true,
    findings: [{ code: "reachable", ok: true, message: "it answers" }],
    can: { reset: false, pause: true },
    ...more,
  };
}

/** A backend in memory: answers what it was given, remembers what it was asked. */
export type MemoryBackend = Backend & {
  /** Every call so far, oldest first. */
  readonly calls: { name: keyof Commands; request: unknown }[];
  /** The requests of one command. */
  requests<N extends keyof Commands>(name: N): Commands[N]["request"][];
  /** Answers a command from now on. */
  given<N extends keyof Commands>(name: N, handler: NonNullable<Handlers[N]>): MemoryBackend;
  givenRun(view: RunView): MemoryBackend;
  /** Keeps a target that answers for itself. */
  givenTarget(target: MemoryTarget): MemoryBackend;
  /** What a target was asked, oldest first. */
  asked(target: string): { command: string; request: unknown }[];
  /** Sends an event to all listeners. */
  emit(event: BackendEvent): void;
};

function standard(): Handlers {
  const drafts = new Map<string, Commands["draft_list"]["response"]["drafts"][number]>();
  return {
    app_info: () => ({
      version: "0.1.0",
      dataDir: "/data",
      platform: "linux",
      person: "you",
      readOnly: null,
      owner: null,
    }),
    backup_list: () => ({ backups: [], folder: "/data/backups", isDaily: true }),
    catalog_list: () => ({ kinds: [] }),
    sample_list: () => ({ samples: [] }),
    recent_list: () => ({ files: [] }),
    recent_forget: () => ({}),
    draft_list: () => ({ drafts: [...drafts.values()].sort((a, b) => b.at - a.at) }),
    draft_put: ({ key, document, base }) => {
      drafts.set(key, { key, document, base, at: Date.now() });
      return {};
    },
    draft_discard: ({ key }) => {
      drafts.delete(key);
      return {};
    },
    inbox_list: () => ({ items: [] }),
    limits_get: () => ({ limits: plainLimits(), builtIn: plainLimits() }),
    limits_set: (limits) => ({ limits, builtIn: plainLimits() }),
    disk_get: () => ({
      level: "ample",
      dir: "/data",
      free: 90_000_000_000,
      total: 100_000_000_000,
      hasBallast: true,
      limits: plainLimits().disk,
    }),
    safe_mode_get: () => ({ isActive: false, quarantined: [], waitingRuns: 0, starts: [] }),
    safe_mode_leave: () => ({ isActive: false, quarantined: [], waitingRuns: 0, starts: [] }),
    webhook_get: () => plainWebhooks(),
    input_list: () => ({ inputs: [] }),
    workflow_kept: () => ({ workflows: [] }),
    trigger_list: () => ({ triggers: [], isActing: true }),
    trigger_firings: () => ({ firings: [], total: 0 }),
    schedule_preview: () => ({ summary: "", next: [], problems: [] }),
    run_list: () => ({ runs: [], total: 0 }),
    target_list: () => ({ targets: [] }),
    settings_get: () => ({ panels: {} }),
    settings_set: (settings) => settings,
    workflow_check: ({ document }) => plainCheck(document),
    workflow_layout: ({ document }) => ({ layout: plainCheck({ ...document, layout: {} }).layout }),
    workflow_save: ({ path }) => ({ path, revision: `revision-${Date.now()}`, digest: "digest" }),
    workflow_trust: () => ({}),
    workflow_svg: ({ document }) => ({
      name: `${document.id}.svg`,
      text: "<svg xmlns='http://www.w3.org/2000/svg'/>",
    }),
    text_save: () => ({}),
  };
}

/** A backend for tests and for `?memory` while developing. */
export function memoryBackend(handlers: Handlers = {}): MemoryBackend {
  const answers: Handlers = { ...standard(), ...handlers };
  const listeners = new Set<(event: BackendEvent) => void>();
  const calls: MemoryBackend["calls"] = [];
  const views = new Map<string, RunView>();
  const targets = new Map<string, MemoryTarget>();

  function find(id: string): MemoryTarget {
    const found = targets.get(id);
    if (!found) throw new BackendError({ code: "not-found", message: `there is no target \`${id}\`` });
    return found;
  }

  const backend: MemoryBackend = {
    kind: "browser",
    calls,
    async rpc(name, request) {
      const command = name as keyof Commands;
      calls.push({ name: command, request });
      const handler = answers[command] as ((request: unknown) => unknown) | undefined;
      if (!handler) {
        throw new BackendError({ code: "unknown-command", message: `the memory backend has no \`${name}\`` });
      }
      return structuredClone(await handler(request));
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    requests: (name) =>
      calls
        .filter((each) => each.name === name)
        .map((each) => each.request as Commands[typeof name]["request"]),
    given(name, handler) {
      answers[name] = handler as never;
      return backend;
    },
    givenRun(view) {
      views.set(view.summary.id, view);
      answers.run_get = ({ run }) => {
        const found = views.get(run);
        if (!found) throw new BackendError({ code: "not-found", message: `no run \`${run}\`` });
        return found;
      };
      answers.run_list = () => {
        const runs = [...views.values()].map((each) => each.summary);
        return { runs, total: runs.length };
      };
      return backend;
    },
    givenTarget(target) {
      targets.set(target.line.id, target);
      answers.target_list = () => ({ targets: [...targets.values()].map(({ line }) => line) });
      answers.target_check = (request) => {
        const { checked } = find(request.target);
        return typeof checked === "function" ? checked() : (checked ?? plainChecked());
      };
      answers.target_problems = (request) => ({ problems: find(request.target).problems ?? [] });
      answers.target_remove = (request) => {
        targets.delete(request.target);
        return {};
      };
      answers.target_call = async ({ target: id, command, request }) => {
        const { line, handlers: given } = find(id);
        const known: Handlers = { ...standard(), ...given };
        const handler = known[command as keyof Commands] as ((request: unknown) => unknown) | undefined;
        if (!handler) {
          throw new BackendError({
            code: "bad-request",
            message: `\`${line.name}\` does not know \`${command}\``,
          });
        }
        return { value: await handler(request) };
      };
      return backend;
    },
    asked: (target) =>
      backend
        .requests("target_call")
        .filter((each) => each.target === target)
        .map(({ command, request }) => ({ command, request })),
    emit(event) {
      for (const listener of listeners) listener(event);
    },
  };
  return backend;
}
