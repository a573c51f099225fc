import type { AnyValue } from "../bindings/AnyValue";
import type { Commands } from "../bindings/Commands";
import { getBackend, toBackendError } from "./backend";
import { HERE, routed, type Target } from "./target";

/**
 * Calls a command where `target` says. Name, request and response are checked against the list in `crates/api`.
 * Throws a `BackendError`.
 */
export async function callAt<N extends keyof Commands>(
  target: Target,
  name: N,
  request: Commands[N]["request"],
): Promise<Commands[N]["response"]> {
  const route = routed(target, name, request);
  try {
    // The one cast in the app: `rpc` moves JSON and cannot know the types the bindings promise.
    const answer = await getBackend().rpc(route.name, route.request);
    return (route.isPassedOn ? (answer as AnyValue).value : answer) as Commands[N]["response"];
  } catch (thrown) {
    throw toBackendError(thrown);
  }
}

/** Calls a command of the Baton that answers this page, whatever target is chosen. */
export async function call<N extends keyof Commands>(
  name: N,
  request: Commands[N]["request"],
): Promise<Commands[N]["response"]> {
  return await callAt(HERE, name, request);
}
