import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../../backend/call";
import { keys } from "../../backend/queries";
import { useSystem } from "../../state/system";
import { tell, tellError } from "../../state/tell";

/** Leaves safe mode, and says what follows. */
export function useLeaveSafeMode(): { leave: () => Promise<void>; isBusy: boolean } {
  const client = useQueryClient();
  const [isBusy, setBusy] = useState(false);
  const leave = async () => {
    setBusy(true);
    try {
      client.setQueryData(keys.safeMode, await call("safe_mode_leave", {}));
      useSystem.getState().close();
      tell("Safe mode is left: open runs go on, one after the other");
    } catch (thrown) {
      tellError("Safe mode was not left", thrown);
    } finally {
      setBusy(false);
    }
  };
  return { leave, isBusy };
}
