import type { FiringLine } from "../bindings/FiringLine";
import type { TriggerLine } from "../bindings/TriggerLine";
import type { WebhookView } from "../bindings/WebhookView";

// Triggers in every state, for the made-up backend. Never part of a build.

const MINUTE = 60_000;
const now = Date.now();

function firing(id: number, trigger: string, more: Partial<FiringLine> = {}): FiringLine {
  return {
    id,
    workflow: "churn_retention",
    trigger,
    key: `k${id}`,
    revision: 3,
    status: "started",
    count: 1,
    recordedAt: now - id * 7 * MINUTE,
    payload: null,
    ...more,
  };
}

const firings: FiringLine[] = [
  firing(1, "workdays", { run: "r1" }),
  firing(2, "workdays", { status: "skipped", reason: "run 41 was not over" }),
  firing(3, "workdays", {
    status: "missed",
    reason: "Baton was not running, and only the last instant is made up for",
    count: 1_240,
    until: now - 15 * MINUTE,
  }),
  firing(4, "workdays", { status: "queued", reason: "waits for run 41" }),
  firing(5, "workdays", { status: "failed", reason: "the input `threshold` is missing" }),
  firing(6, "workdays", { run: "r1", by: "ada" }),
];

function line(trigger: string, kind: string, summary: string, more: Partial<TriggerLine> = {}): TriggerLine {
  return {
    workflow: "churn_retention",
    workflowName: "Churn retention",
    trigger,
    kind,
    summary,
    status: "active",
    revision: 3,
    digest: "d",
    path: "/flows/churn.baton.json",
    isOutdated: false,
    overlap: "skip",
    waiting: 0,
    activatedBy: "ada",
    activatedAt: now - 90 * MINUTE,
    changedBy: "ada",
    changedAt: now - 90 * MINUTE,
    ...more,
  };
}

const triggers: TriggerLine[] = [
  line("workdays", "schedule", "every weekday at 06:00 in Europe/Berlin", {
    next: { at: now + 130 * MINUTE, local: "2026-11-30T06:00:00", offset: "+01:00" },
    last: firings[0] as FiringLine,
    waiting: 1,
  }),
  line("quarters", "schedule", "every 15m", { status: "paused", last: firings[1] as FiringLine }),
  line("landed", "file", "files `*.csv` in `inbox`", {
    overlap: "queue",
    trouble: "folder-missing: the folder `inbox` is not there; make it, and watching goes on",
  }),
  line("order", "webhook", "a request to `/hooks/orders`", {
    overlap: "allow",
    trouble: "webhook-off: webhooks are switched off on this machine, so no request arrives; switch them on",
  }),
  line("month", "manual", "by hand", {
    overlap: "allow",
    workflow: "closing",
    workflowName: "Month end closing",
  }),
];

let webhooks: WebhookView = {
  isOn: false,
  port: 8_787,
  ip: "127.0.0.1",
  hooks: [
    {
      workflow: "churn_retention",
      trigger: "order",
      path: "/hooks/orders",
      auth: "hmac",
      header: "x-baton-signature",
      timestampHeader: "x-baton-timestamp",
      variable: "BATON_SECRET_SHOP_HOOK",
      hasSecret: false,
      perMinute: 600,
      mostWaiting: 1_000,
      accepted: 12,
      duplicates: 1,
      refused: [
        {
          code: "webhook-signature",
          count: 3,
          lastAt: now - MINUTE,
          message: "the signature does not fit; sign `<time>.<body>` with the secret",
        },
      ],
    },
  ],
  strays: [
    { code: "webhook-unknown", count: 2, lastAt: now - MINUTE, message: "there is no hook at this address" },
  ],
};

export const demoTriggers: Parameters<typeof import("./memory").memoryBackend>[0] = {
  trigger_list: () => ({ triggers, isActing: true }),
  trigger_firings: ({ trigger, status }) => {
    const found = firings.filter(
      (one) => (!trigger || one.trigger === trigger) && (!status || one.status === status),
    );
    return { firings: found, total: found.length };
  },
  trigger_pause: () => ({}),
  trigger_resume: () => ({}),
  webhook_get: () => webhooks,
  webhook_set: (change) => {
    webhooks = { ...webhooks, ...change };
    delete webhooks.listening;
    delete webhooks.trouble;
    if (webhooks.isOn && webhooks.port === 8_787) {
      webhooks.trouble =
        "webhook-port: hooks cannot listen on 127.0.0.1:8787: another program uses that port; choose another port";
    } else if (webhooks.isOn) webhooks.listening = `http://${webhooks.ip}:${webhooks.port}`;
    return webhooks;
  },
  schedule_preview: () => ({
    summary: "every weekday at 06:00 in Europe/Berlin",
    problems: [],
    next: Array.from({ length: 10 }, (_, index) => ({
      at: now + index * 1_440 * MINUTE,
      local: `2026-11-${String(10 + index)}T06:00:00`,
      offset: "+01:00",
    })),
  }),
};
