/** How webhooks stand, in a word; a press leads to their settings. */
import { Button } from "@mantine/core";
import { Webhook } from "lucide-react";
import { useSystem } from "../../state/system";
import { useWebhooks } from "./use-webhooks";
import { portOf, stateOf } from "./webhook-words";

export default function WebhookChip() {
  const { webhooks } = useWebhooks();
  const show = useSystem((system) => system.show);
  const view = webhooks.data;
  const look = view ? stateOf(view).look : null;
  const words = !view
    ? "Webhooks"
    : view.listening !== undefined
      ? `Webhooks on port ${portOf(view) || new URL(view.listening).port}`
      : `Webhooks: ${(look?.label ?? "").toLowerCase()}`;
  const isWrong = view?.trouble !== undefined;
  return (
    <Button
      size="compact-sm"
      variant="subtle"
      color={isWrong ? "red" : "gray"}
      leftSection={<Webhook size={13} />}
      onClick={() => show("webhooks")}
      data-testid="webhook-chip"
    >
      {words}
    </Button>
  );
}
