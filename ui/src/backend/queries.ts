import { QueryClient, queryOptions, useQuery } from "@tanstack/react-query";
import type { BackendEvent } from "../bindings/BackendEvent";
import type { KindInfo } from "../bindings/KindInfo";
import type { RunList } from "../bindings/RunList";
import type { TablePage } from "../bindings/TablePage";
import type { TriggerFirings } from "../bindings/TriggerFirings";
import { call } from "./call";

/** Answers of the backend, kept until an event says that they are old. */
export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: { retry: false, staleTime: Number.POSITIVE_INFINITY, refetchOnWindowFocus: false },
    },
  });
}

/** First parts of the query keys; everything of a topic is forgotten at once. */
export const keys = {
  app: ["app"],
  catalog: ["catalog"],
  samples: ["samples"],
  recent: ["recent"],
  drafts: ["drafts"],
  settings: ["settings"],
  backups: ["backups"],
  inbox: ["inbox"],
  limits: ["limits"],
  disk: ["disk"],
  safeMode: ["safe-mode"],
  runs: ["runs"],
  triggers: ["triggers"],
  kept: ["kept"],
  targets: ["targets"],
  target: (id: string) => ["target", id],
  run: (id: string) => ["run", id],
  folder: (path: string | null) => ["folder", path],
  table: (artifact: string) => ["table", artifact],
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
export const inboxQuery = queryOptions({ queryKey: keys.inbox, queryFn: () => call("inbox_list", {}) });
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

export function runListQuery(request: RunList) {
  return queryOptions({ queryKey: [...keys.runs, request], queryFn: () => call("run_list", request) });
}

/** The log of a run, from the first event. */
export function runEventsQuery(run: string) {
  return queryOptions({
    queryKey: [...keys.run(run), "events"],
    queryFn: () => call("run_events", { run, limit: 10_000 }),
  });
}

/** A run as it was after event `seq`; `null` for as it is. */
export function runViewQuery(run: string, seq: number | null) {
  return queryOptions({
    queryKey: [...keys.run(run), "view", seq],
    queryFn: () => call("run_get", seq === null ? { run } : { run, seq }),
  });
}

export function folderQuery(path: string | null, endings: string[]) {
  return queryOptions({
    queryKey: [...keys.folder(path), endings],
    queryFn: () => call("folder_list", { path, endings }),
    staleTime: 0,
  });
}

export function tableQuery(request: TablePage) {
  return queryOptions({
    queryKey: [...keys.table(request.artifact), request],
    queryFn: () => call("table_page", request),
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

/** Forgets the answers that an event made old. */
export function invalidateFor(client: QueryClient, event: BackendEvent): void {
  const forget = (queryKey: readonly unknown[]) => void client.invalidateQueries({ queryKey });
  switch (event.type) {
    case "run-advanced":
      forget(keys.runs);
      forget(keys.run(event.summary.id));
      break;
    case "triggers-changed":
      forget(keys.triggers);
      break;
    case "workflows-changed":
      forget(keys.kept);
      break;
    case "inbox-changed":
      forget(keys.inbox);
      break;
    case "disk-changed":
      forget(keys.disk);
      break;
    case "safe-mode-changed":
      forget(keys.safeMode);
      forget(keys.runs);
      break;
    case "file-changed":
      forget(keys.recent);
      forget(["folder"]);
      break;
    case "lagged":
      forget([]);
      break;
    case "targets-changed":
      forget(keys.targets);
      break;
    case "target":
      forget(keys.target(event.target));
      break;
    case "notification":
      break;
  }
}
