/** How webhooks stand, and how to call one, in words. No state in here. */
import { CircleCheck, CircleX, Hourglass, Pause, PowerOff } from "lucide-react";
import type { HookView } from "../../bindings/HookView";
import type { Trigger } from "../../bindings/Trigger";
import type { WebhookView } from "../../bindings/WebhookView";
import type { Look } from "../../components/status";

export interface WebhookState {
  look: Look;
  /** One sentence. */
  words: string;
}

/** How webhooks stand on this machine. */
export function stateOf(view: WebhookView): WebhookState {
  if (view.listening !== undefined) {
    return {
      look: { label: "Listening", icon: CircleCheck, tone: "succeeded" },
      words: `Requests are taken at ${view.listening}.`,
    };
  }
  if (view.trouble !== undefined) {
    return {
      look: { label: "Not listening", icon: CircleX, tone: "failed" },
      words: `${withoutCode(view.trouble).text}.`,
    };
  }
  if (!view.isOn) {
    return {
      look: { label: "Off", icon: PowerOff, tone: "skipped" },
      words: "No request from outside is taken.",
    };
  }
  if (view.hooks.length === 0) {
    return {
      look: { label: "On", icon: Pause, tone: "waiting" },
      words: `Nothing to listen for yet: port ${portOf(view)} opens as soon as a workflow with a webhook is active.`,
    };
  }
  return {
    look: { label: "Starting", icon: Hourglass, tone: "running" },
    words: "The port is being opened.",
  };
}

/** The port that counts now. */
export function portOf(view: WebhookView): number {
  return view.portOfThisStart ?? view.port;
}

/** `http://127.0.0.1:8787`, also while nothing listens there. */
export function baseOf(view: WebhookView): string {
  if (view.listening !== undefined) return view.listening;
  const host = view.ip.includes(":") ? `[${view.ip}]` : view.ip;
  return `http://${host}:${portOf(view)}`;
}

/** `webhook-port: hooks cannot …` taken apart: codes are for programs. */
export function withoutCode(trouble: string): { code: string | null; text: string } {
  const found = /^([a-z]+(?:-[a-z]+)*): (?=\S)/.exec(trouble);
  return found
    ? { code: found[1] ?? null, text: trouble.slice(found[0].length) }
    : { code: null, text: trouble };
}

/** Whether a trouble is about webhooks, so that their settings are the way out. */
export function isAboutWebhooks(trouble: string): boolean {
  return /^webhook-(?:off|port|no-secret)$/.test(withoutCode(trouble).code ?? "");
}

/** The environment variable of a secret, as Rust names it. */
export function variableOf(secret: string): string {
  return `BATON_SECRET_${secret.replaceAll(/[^A-Za-z0-9]/g, "_").toUpperCase()}`;
}

/** What a call needs to know. */
export type Call = Pick<HookView, "auth" | "header" | "timestampHeader" | "variable"> & { url: string };

/** What a trigger of the kind would be called with, from its settings. */
export function callOf(trigger: Trigger, base: string): Call {
  const { id, path, secret, auth, header, timestampHeader } = trigger as Record<string, unknown>;
  const text = (value: unknown, otherwise: string) =>
    typeof value === "string" && value.trim() !== "" ? value.trim() : otherwise;
  const isHeader = auth === "header";
  return {
    url: `${base}/hooks/${text(path, String(id))}`,
    auth: isHeader ? "header" : "hmac",
    header: text(header, isHeader ? "X-Baton-Secret" : "X-Baton-Signature"),
    ...(isHeader ? {} : { timestampHeader: text(timestampHeader, "X-Baton-Timestamp") }),
    variable: variableOf(text(secret, "secret")),
  };
}

/** Lines for a shell that knows the secret; they work as they are. */
export function curlOf({ url, auth, header, timestampHeader, variable }: Call): string {
  const body = `'{"id": 7}'`;
  if (auth === "header") {
    return [
      `curl ${url} \\`,
      `  -H "${header}: $${variable}" \\`,
      "  -H 'Content-Type: application/json' \\",
      `  -d ${body}`,
    ].join("\n");
  }
  return [
    `time=$(date +%s); body=${body}`,
    `signature=$(printf '%s' "$time.$body" | openssl dgst -sha256 -hmac "$${variable}" | sed 's/.* //')`,
    `curl ${url} \\`,
    `  -H "${timestampHeader ?? "X-Baton-Timestamp"}: $time" -H "${header}: $signature" \\`,
    `  -H 'Content-Type: application/json' -d "$body"`,
  ].join("\n");
}
