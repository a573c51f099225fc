import type { BackendEvent } from "../bindings/BackendEvent";
import { type Backend, BackendError, toBackendError } from "./backend";
import { readEvents } from "./event-stream";

const SESSION_KEY = "baton.session";
const RECONNECT_MS = 1_000;

/** The session is missing or over: nothing works until Baton is opened again from its start link. */
export class SessionError extends Error {}

type Options = {
  /** Called once when the server no longer knows the session; says whether users come with tokens. */
  onSessionLost: (isForUsers: boolean) => void;
};

/** The server wants the token of a user. */
export class SignInNeeded extends Error {}

/** Takes a secret out of the address, so that it is neither bookmarked nor shared. */
function takeFromAddress(name: "code" | "token"): string | null {
  const secret = new URLSearchParams(location.hash.slice(1)).get(name);
  if (secret) history.replaceState(null, "", location.pathname + location.search);
  return secret;
}

async function post(path: string, body: unknown, session?: string): Promise<Response> {
  return await fetch(path, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      ...(session === undefined ? {} : { "X-Baton-Session": session }),
    },
    body: JSON.stringify(body),
  });
}

async function keepSession(answer: Response): Promise<string> {
  const { session } = (await answer.json()) as { session: string };
  sessionStorage.setItem(SESSION_KEY, session);
  return session;
}

/** Opens a session with the token of a user. Throws a [`BackendError`] if it is no good. */
export async function signIn(token: string): Promise<void> {
  let answer: Response;
  try {
    answer = await post("/api/sign-in", { token });
  } catch {
    throw new BackendError({ code: "internal", message: "the server does not answer" });
  }
  if (!answer.ok) throw toBackendError(await answer.json().catch(() => ({})));
  await keepSession(answer);
}

async function wantsToken(): Promise<boolean> {
  try {
    const answer = await fetch("/api/health");
    return answer.ok && ((await answer.json()) as { signIn?: string }).signIn === "token";
  } catch {
    return false;
  }
}

/** Exchanges the code or the token of a link for a session, or takes up the one of this tab. */
async function openSession(): Promise<string> {
  const code = takeFromAddress("code");
  if (code) {
    const answer = await post("/api/session", { code });
    if (answer.ok) return await keepSession(answer);
  }
  const token = takeFromAddress("token");
  if (token) await signIn(token);
  const session = sessionStorage.getItem(SESSION_KEY);
  if (session) return session;
  if (await wantsToken()) throw new SignInNeeded("no session");
  throw new SessionError("no session");
}

/**
 * The backend in a browser. Throws a [`SessionError`] if there is no session to be had, and [`SignInNeeded`] if it takes a
 * token.
 */
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
    void wantsToken().then((isForUsers) => onSessionLost(isForUsers));
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
    async signOut() {
      await post("/api/sign-out", {}, session).catch((thrown: unknown) =>
        console.info("the server was not told", thrown),
      );
      lose();
    },
    async rpc(name, request) {
      let answer: Response;
      try {
        answer = await post(`/api/rpc/${name}`, request, session);
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
