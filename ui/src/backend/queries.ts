import { QueryClient, queryOptions, useQuery } from "@tanstack/react-query";
import type { BackendEvent } from "../bindings/BackendEvent";
import type { KindInfo } from "../bindings/KindInfo";
import type { RunList } from "../bindings/RunList";
import type { TablePage } from "../bindings/TablePage";
import type { TriggerFirings } from "../bindings/TriggerFirings";
import { call, callAt } from "./call";
import { HERE, type Target } from "./target";

/** Answers of the backend, kept until an event says that they are old. */
export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: { retry: false, staleTime: Number.POSITIVE_INFINITY, refetchOnWindowFocus: false },
    },
  });
}

/**
 * First parts of the query keys; everything of a topic is forgotten at once. What is about runs names its target, so that
 * nothing of one is ever shown as that of another.
 */
export const keys = {
  app: ["app"],
  catalog: ["catalog"],
  samples: ["samples"],
  recent: ["recent"],
  drafts: ["drafts"],
  settings: ["settings"],
  backups: ["backups"],
  limits: ["limits"],
  disk: ["disk"],
  safeMode: ["safe-mode"],
  triggers: ["triggers"],
  kept: ["kept"],
  inbox: (target: Target) => ["inbox", target],
  runs: (target: Target) => ["runs", target],
  run: (target: Target, id: string) => ["run", target, id],
  runsOf: (target: Target) => ["run", target],
  expression: (target: Target) => ["expression", target],
  folder: (path: string | null) => ["folder", path],
  table: (target: Target, artifact: string) => ["table", target, artifact],
  blob: (target: Target, artifact: string) => ["blob", target, artifact],
} as const;

export const appInfoQuery = queryOptions({ queryKey: keys.app, queryFn: () => call("app_info", {}) });
export const catalogQuery = queryOptions({ queryKey: keys.catalog, queryFn: () => call("catalog_list", {}) });
export const sampleQuery = queryOptions({ queryKey: keys.samples, queryFn: () => call("sample_list", {}) });
export const recentQuery = queryOptions({ queryKey: keys.recent, queryFn: () => call("recent_list", {}) });
export const draftQuery = queryOptions({ queryKey: keys.drafts, queryFn: () => call("draft_list", {}) });
export const settingsQuery = queryOptions({
  queryKey: keys.settings,
  queryFn: () => call("settings_get", {}),
});
export const backupQuery = queryOptions({
  queryKey: keys.backups,
  queryFn: () => call("backup_list", {}),
  staleTime: 0,
});
export const limitsQuery = queryOptions({ queryKey: keys.limits, queryFn: () => call("limits_get", {}) });
export const diskQuery = queryOptions({ queryKey: keys.disk, queryFn: () => call("disk_get", {}) });
export const safeModeQuery = queryOptions({
  queryKey: keys.safeMode,
  queryFn: () => call("safe_mode_get", {}),
});
export const keptQuery = queryOptions({ queryKey: keys.kept, queryFn: () => call("workflow_kept", {}) });
export const triggersQuery = queryOptions({
  queryKey: [...keys.triggers, "active"],
  queryFn: () => call("trigger_list", {}),
});

/** Where requests from outside are taken, and what became of them. */
export const webhooksQuery = queryOptions({
  queryKey: [...keys.triggers, "webhooks"],
  queryFn: () => call("webhook_get", {}),
});

/** What triggers recorded. */
export function firingsQuery(request: TriggerFirings) {
  return queryOptions({
    queryKey: [...keys.triggers, "firings", request],
    queryFn: () => call("trigger_firings", request),
  });
}

/** Inputs that people keep to start a workflow with. */
export function savedInputsQuery(workflow: string) {
  return queryOptions({
    queryKey: [...keys.triggers, "inputs", workflow],
    queryFn: () => call("input_list", { workflow }),
  });
}

/** When a schedule fires next. */
export function scheduleQuery(settings: Record<string, unknown>) {
  return queryOptions({
    queryKey: ["schedule", settings],
    queryFn: () => call("schedule_preview", { settings, count: 10 }),
    // Instants pass.
    staleTime: 30_000,
    gcTime: 60_000,
  });
}

/** Lists of a target are read again now and then: what it tells may get lost on the way, and a cluster lists runs late. */
const again = (target: Target) => (target === HERE ? {} : { refetchInterval: 5_000 });

/** What waits for a person. */
export function inboxQuery(target: Target) {
  return queryOptions({
    ...again(target),
    queryKey: keys.inbox(target),
    queryFn: () => callAt(target, "inbox_list", {}),
  });
}

export function runListQuery(target: Target, request: RunList) {
  return queryOptions({
    ...again(target),
    queryKey: [...keys.runs(target), request],
    queryFn: () => callAt(target, "run_list", request),
  });
}

export function folderQuery(path: string | null, endings: string[]) {
  return queryOptions({
    queryKey: [...keys.folder(path), endings],
    queryFn: () => call("folder_list", { path, endings }),
    staleTime: 0,
  });
}

export function tableQuery(target: Target, request: TablePage) {
  return queryOptions({
    queryKey: [...keys.table(target, request.artifact), request],
    queryFn: () => callAt(target, "table_page", request),
  });
}

const NO_KINDS: ReadonlyMap<string, KindInfo> = new Map();

/** All kinds of step by name; empty until they are there. */
export function useCatalog(): ReadonlyMap<string, KindInfo> {
  const { data } = useQuery({ ...catalogQuery, select: kindsByName });
  return data ?? NO_KINDS;
}

function kindsByName({ kinds }: { kinds: KindInfo[] }): ReadonlyMap<string, KindInfo> {
  return new Map(kinds.map((kind) => [kind.kind, kind]));
}

/** Forgets what is known about the runs of a target. */
export function forgetRuns(client: QueryClient, target: Target): void {
  for (const queryKey of [keys.runs(target), keys.runsOf(target), keys.inbox(target)]) {
    void client.invalidateQueries({ queryKey });
  }
}

/** Forgets the answers that an event made old; `target` is where it happened. */
export function invalidateFor(client: QueryClient, event: BackendEvent, target: Target = HERE): void {
  const forget = (queryKey: readonly unknown[]) => void client.invalidateQueries({ queryKey });
  switch (event.type) {
    case "run-advanced":
      forget(keys.runs(target));
      forget(keys.run(target, event.summary.id));
      break;
    case "inbox-changed":
      forget(keys.inbox(target));
      break;
    case "lagged":
      if (target === HERE) forget([]);
      else forgetRuns(client, target);
      break;
    case "target":
      invalidateFor(client, event.event, event.target);
      break;
    case "triggers-changed":
      if (target === HERE) forget(keys.triggers);
      break;
    case "workflows-changed":
      if (target === HERE) forget(keys.kept);
      break;
    case "disk-changed":
      if (target === HERE) forget(keys.disk);
      break;
    case "safe-mode-changed":
      if (target === HERE) forget(keys.safeMode);
      forget(keys.runs(target));
      break;
    case "file-changed":
      if (target !== HERE) break;
      forget(keys.recent);
      forget(["folder"]);
      break;
    case "targets-changed":
    case "notification":
      break;
  }
}
