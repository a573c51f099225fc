/** Asks how webhooks stand, and changes it. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../../backend/call";
import { webhooksQuery } from "../../backend/queries";
import type { WebhookSet } from "../../bindings/WebhookSet";
import { tellError } from "../../state/tell";

export function useWebhooks({ isWatched = false }: { isWatched?: boolean } = {}) {
  const client = useQueryClient();
  // Calls that are refused again are counted without an event.
  const webhooks = useQuery({ ...webhooksQuery, ...(isWatched ? { refetchInterval: 2_000 } : {}) });
  const [isBusy, setBusy] = useState(false);
  const set = async (change: WebhookSet): Promise<void> => {
    setBusy(true);
    try {
      client.setQueryData(webhooksQuery.queryKey, await call("webhook_set", change));
    } catch (thrown) {
      tellError("Webhooks stay as they were", thrown);
    } finally {
      setBusy(false);
      // Whether the port could be had is known a moment later.
      await client.invalidateQueries({ queryKey: webhooksQuery.queryKey });
    }
  };
  return { webhooks, set, isBusy };
}
