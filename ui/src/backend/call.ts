import type { Commands } from "../bindings/Commands";
import { getBackend, toBackendError } from "./backend";

/**
 * Calls a command. Name, request and response are checked against the list in `crates/api`.
 * Throws a `BackendError`.
 */
export async function call<N extends keyof Commands>(
  name: N,
  request: Commands[N]["request"],
): Promise<Commands[N]["response"]> {
  try {
    // The one cast in the app: `rpc` moves JSON and cannot know the types the bindings promise.
    return (await getBackend().rpc(name, request)) as Commands[N]["response"];
  } catch (thrown) {
    throw toBackendError(thrown);
  }
}
