/** Whether requests from outside may start runs: the switch, the port, the addresses, what was refused. */
import { Button, Modal, Stack, Switch } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { triggersQuery } from "../../backend/queries";
import type { WebhookSet } from "../../bindings/WebhookSet";
import type { WebhookView } from "../../bindings/WebhookView";
import { PanelError, PanelSkeleton, sentence } from "../../components/Panel";
import { StatusBadge } from "../../components/StatusBadge";
import { useWhyNot } from "../../state/rights";
import { useSystem } from "../../state/system";
import { useNow } from "../runs/use-now";
import AddressForm from "./AddressForm";
import HookCard, { Refusal } from "./HookCard";
import { useWebhooks } from "./use-webhooks";
import { baseOf, portOf, stateOf } from "./webhook-words";
import classes from "./webhooks.module.css";

export function WebhooksDialog() {
  const isOpen = useSystem((system) => system.dialog === "webhooks");
  const close = useSystem((system) => system.close);
  return (
    <Modal opened={isOpen} onClose={close} title="Webhooks" size="44rem" centered>
      {isOpen && <Webhooks />}
    </Modal>
  );
}

export function Webhooks() {
  const { webhooks, set, isBusy } = useWebhooks({ isWatched: true });
  if (webhooks.isPending) return <PanelSkeleton rows={5} />;
  if (webhooks.isError) {
    return <PanelError error={webhooks.error} onRetry={() => void webhooks.refetch()} />;
  }
  return <Shown view={webhooks.data} isBusy={isBusy} onSet={(change) => void set(change)} />;
}

interface ShownProps {
  view: WebhookView;
  isBusy: boolean;
  onSet: (change: WebhookSet) => void;
}

function Shown({ view, isBusy, onSet }: ShownProps) {
  const { data: triggers } = useQuery(triggersQuery);
  const now = useNow(5_000);
  const { look, words } = stateOf(view);
  const isGiven = view.portOfThisStart !== undefined;
  const whyNot = useWhyNot("webhook_set");
  const isLocked = isBusy || whyNot !== null;
  const names = new Map((triggers?.triggers ?? []).map((line) => [line.workflow, line.workflowName]));
  return (
    <Stack gap="lg" data-testid="webhooks-dialog">
      <section className={classes.group}>
        <p className={classes.help}>
          A webhook is an address that another program calls to start a workflow. It has a port of its own and
          reaches nothing of Baton but the webhooks that you activated.
        </p>
        <Switch
          size="sm"
          label="Take requests from outside"
          checked={view.isOn}
          disabled={isLocked || isGiven}
          onChange={(event) => onSet({ isOn: event.currentTarget.checked })}
          data-testid="webhook-switch"
        />
        {whyNot !== null && <p className={classes.help}>{whyNot}.</p>}
        <div className={classes.state} role="status" data-testid="webhook-state">
          <StatusBadge look={look} />
          <span>{sentence(words)}</span>
        </div>
        {view.trouble !== undefined && !isGiven && (
          <div>
            <Button
              variant="light"
              disabled={isLocked}
              onClick={() => onSet({ port: nextPort(view.port) })}
              data-testid="webhook-next-port"
            >
              Use port {nextPort(view.port)} instead
            </Button>
          </div>
        )}
        {isGiven && (
          <p className={classes.help}>
            This Baton was started with <code>--webhooks {portOf(view)}</code>. That holds until it ends,
            whatever is set here.
          </p>
        )}
      </section>
      <section className={classes.group}>
        <h3>Where</h3>
        <AddressForm
          key={`${view.ip}:${view.port}`}
          view={view}
          isBusy={isBusy}
          isLocked={whyNot !== null}
          onSet={onSet}
        />
      </section>
      <section className={classes.group}>
        <h3>Active webhooks</h3>
        {view.hooks.length === 0 ? (
          <p className={classes.help}>
            None. Add the trigger “When it is called” in the inspector of a workflow, and activate it.
          </p>
        ) : (
          <ul className={classes.hooks}>
            {view.hooks.map((hook) => (
              <HookCard
                key={hook.path}
                hook={hook}
                name={names.get(hook.workflow) ?? hook.workflow}
                base={baseOf(view)}
                now={now}
              />
            ))}
          </ul>
        )}
        {view.strays.length > 0 && (
          <>
            <p className={classes.help}>Calls that reached no webhook, since this start:</p>
            <ul className={classes.counts}>
              {view.strays.map((refused) => (
                <Refusal key={refused.code} refused={refused} now={now} />
              ))}
            </ul>
          </>
        )}
      </section>
      <section className={classes.group}>
        <h3>Good to know</h3>
        <ul className={classes.facts}>
          <li>
            <b>Secrets</b> are never in a workflow, only their names are. Each is an environment variable of
            Baton: the secret <code>shop-hook</code> is <code>BATON_SECRET_SHOP_HOOK</code>. Whoever calls
            must know it.
          </li>
          <li>
            <b>Nothing that was taken is lost.</b> A call is answered with 202 after it was written to disk;
            the same call sent again starts nothing new.
          </li>
          <li>
            <b>Too much at once</b> is refused with 503, and the answer says when to come back: beyond{" "}
            {limitOf(view, "perMinute", 600)} calls a minute or {limitOf(view, "mostWaiting", 1_000)} that
            wait for their run. Each workflow can set lower limits.
          </li>
        </ul>
      </section>
    </Stack>
  );
}

/** A port that is likely to be free. */
function nextPort(port: number): number {
  return port >= 65_535 ? 8_787 : port + 1;
}

/** What applies to the only hook, or what applies where nothing else is said. */
function limitOf(view: WebhookView, name: "perMinute" | "mostWaiting", standard: number): string {
  const [hook] = view.hooks;
  return (view.hooks.length === 1 && hook ? hook[name] : standard).toLocaleString("en");
}
