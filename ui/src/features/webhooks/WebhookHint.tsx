/** In the inspector of a webhook: its address, how to call it, and what keeps a call from arriving. */
import { Button } from "@mantine/core";
import { CircleAlert } from "lucide-react";
import type { Trigger } from "../../bindings/Trigger";
import { sentence } from "../../components/Panel";
import { useSystem } from "../../state/system";
import CopyLine from "./CopyLine";
import CurlExample from "./CurlExample";
import { useWebhooks } from "./use-webhooks";
import { baseOf, callOf, withoutCode } from "./webhook-words";
import classes from "./webhooks.module.css";

export default function WebhookHint({ trigger }: { trigger: Trigger }) {
  const { webhooks } = useWebhooks();
  const show = useSystem((system) => system.show);
  const view = webhooks.data;
  if (!view) return null;
  const call = callOf(trigger, baseOf(view));
  return (
    <section className={classes.hint} aria-label="Address of the webhook" data-testid="webhook-hint">
      <p className={classes.hintTitle}>Address</p>
      <CopyLine text={call.url} what="the address" testId="hint-url" />
      {(!view.isOn || view.trouble !== undefined) && (
        <div className={classes.off} data-tone={view.trouble === undefined ? "warning" : "failed"}>
          <CircleAlert size={14} aria-hidden />
          <div>
            {view.trouble === undefined
              ? "Webhooks are switched off on this machine, so no call arrives."
              : `${sentence(withoutCode(view.trouble).text)}.`}
            <Button
              size="compact-xs"
              variant="default"
              onClick={() => show("webhooks")}
              data-testid="hint-switch-on"
            >
              {view.trouble === undefined ? "Switch them on…" : "Webhooks…"}
            </Button>
          </div>
        </div>
      )}
      <CurlExample call={call} />
      <p className={classes.help}>
        The secret is not in the workflow: Baton reads it from the environment variable{" "}
        <code>{call.variable}</code> when it starts.
      </p>
    </section>
  );
}
