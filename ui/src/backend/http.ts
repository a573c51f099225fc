import type { BackendEvent } from "../bindings/BackendEvent";
import { type Backend, BackendError, toBackendError } from "./backend";
import { readEvents } from "./event-stream";

const SESSION_KEY = "baton.session";
const RECONNECT_MS = 1_000;

/** The session is missing or over: nothing works until Baton is opened again from its start link. */
export class SessionError extends Error {}

type Options = {
  /** Called once when the server no longer knows the session. */
  onSessionLost: () => void;
};

/** Takes the one-time code out of the address, so that it is neither bookmarked nor shared. */
function takeCode(): string | null {
  const code = new URLSearchParams(location.hash.slice(1)).get("code");
  if (code) history.replaceState(null, "", location.pathname + location.search);
  return code;
}

/** Exchanges the code of the start link for a session, or takes up the one of this tab. */
async function openSession(): Promise<string> {
  const code = takeCode();
  if (code) {
    const answer = await fetch("/api/session", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ code }),
    });
    if (answer.ok) {
      const { session } = (await answer.json()) as { session: string };
      sessionStorage.setItem(SESSION_KEY, session);
      return session;
    }
  }
  const session = sessionStorage.getItem(SESSION_KEY);
  if (!session) throw new SessionError("no session");
  return session;
}

/** The backend in a browser. Throws a [`SessionError`] if there is no session to be had. */
export async function httpBackend({ onSessionLost }: Options): Promise<Backend> {
  const session = await openSession();
  const listeners = new Set<(event: BackendEvent) => void>();
  let isLost = false;
  let stream: AbortController | null = null;

  function lose(): void {
    if (isLost) return;
    isLost = true;
    stream?.abort();
    sessionStorage.removeItem(SESSION_KEY);
    onSessionLost();
  }

  function emit(event: BackendEvent): void {
    for (const listener of listeners) listener(event);
  }

  async function listen(): Promise<void> {
    let isFirst = true;
    while (!isLost && listeners.size > 0) {
      stream = new AbortController();
      try {
        const answer = await fetch("/api/events", {
          headers: { "X-Baton-Session": session, Accept: "text/event-stream" },
          signal: stream.signal,
        });
        if (answer.status === 401) return lose();
        if (answer.ok && answer.body) {
          // Whatever happened between two streams was missed.
          if (!isFirst) emit({ type: "lagged" });
          isFirst = false;
          await readEvents(answer.body, (data) => emit(JSON.parse(data) as BackendEvent));
        }
      } catch (error) {
        if (stream.signal.aborted) break;
        console.info("the event stream broke, trying again", error);
      }
      await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
    }
    stream = null;
  }

  return {
    kind: "browser",
    async rpc(name, request) {
      let answer: Response;
      try {
        answer = await fetch(`/api/rpc/${name}`, {
          method: "POST",
          headers: { "Content-Type": "application/json", "X-Baton-Session": session },
          body: JSON.stringify(request),
        });
      } catch {
        throw new BackendError({
          code: "internal",
          message: "Baton does not answer",
          hint: "Look whether it still runs, then try again. Your edits are kept here until then.",
        });
      }
      if (answer.status === 401) {
        lose();
        throw new BackendError({ code: "internal", message: "the session is over" });
      }
      const text = await answer.text();
      let value: unknown = {};
      try {
        value = text === "" ? {} : JSON.parse(text);
      } catch {
        throw new BackendError({ code: "internal", message: `unreadable answer (${answer.status})` });
      }
      if (!answer.ok) throw toBackendError(value);
      return value;
    },
    subscribe(listener) {
      listeners.add(listener);
      if (!stream) void listen();
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) stream?.abort();
      };
    },
  };
}
