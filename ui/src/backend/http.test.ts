import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { BackendError } from "./backend";
import { readEvents } from "./event-stream";
import { httpBackend, SessionError } from "./http";

type Call = { url: string; init: RequestInit };
let calls: Call[];
let answer: (url: string) => Response;

function json(value: unknown, status = 200): Response {
  return new Response(JSON.stringify(value), { status });
}

beforeEach(() => {
  calls = [];
  sessionStorage.clear();
  history.replaceState(null, "", "/");
  answer = () => json({});
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    calls.push({ url, init });
    return answer(url);
  });
});

afterEach(() => vi.unstubAllGlobals());

const lost = vi.fn();

describe("the session", () => {
  test("is got for the code of the start link, which leaves the address", async () => {
    history.replaceState(null, "", "/#code=one-time");
    answer = (url) => (url === "/api/session" ? json({ session: "s1" }) : json({ version: "1" }));
    const backend = await httpBackend({ onSessionLost: lost });
    await backend.rpc("app_info", {});
    expect(calls[0]?.init.body).toBe('{"code":"one-time"}');
    expect(location.hash).toBe("");
    expect(calls[1]).toMatchObject({
      url: "/api/rpc/app_info",
      init: { headers: { "X-Baton-Session": "s1" } },
    });
  });

  test("outlives a reload of the tab", async () => {
    sessionStorage.setItem("baton.session", "s1");
    await expect(httpBackend({ onSessionLost: lost })).resolves.toBeDefined();
  });

  test("is missed when there is neither code nor session", async () => {
    await expect(httpBackend({ onSessionLost: lost })).rejects.toBeInstanceOf(SessionError);
  });

  test("ends once, however many calls hear of it", async () => {
    sessionStorage.setItem("baton.session", "old");
    const onSessionLost = vi.fn();
    const backend = await httpBackend({ onSessionLost });
    answer = () => json({ code: "internal", message: "who are you" }, 401);
    await expect(backend.rpc("app_info", {})).rejects.toThrow("session");
    await expect(backend.rpc("app_info", {})).rejects.toThrow("session");
    expect(onSessionLost).toHaveBeenCalledOnce();
    expect(sessionStorage.getItem("baton.session")).toBeNull();
  });
});

describe("a command", () => {
  beforeEach(() => sessionStorage.setItem("baton.session", "s1"));

  test("that fails throws what the Rust side says", async () => {
    const backend = await httpBackend({ onSessionLost: lost });
    answer = () => json({ code: "conflict", message: "the file changed", hint: "reload" }, 409);
    const thrown = await backend.rpc("workflow_save", {}).catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(BackendError);
    expect(thrown).toMatchObject({ code: "conflict", hint: "reload" });
  });

  test("without an answer says that Baton does not answer", async () => {
    const backend = await httpBackend({ onSessionLost: lost });
    vi.stubGlobal("fetch", async () => {
      throw new TypeError("failed to fetch");
    });
    await expect(backend.rpc("app_info", {})).rejects.toThrow("does not answer");
  });
});

describe("the stream of events", () => {
  function streamOf(chunks: string[]): ReadableStream<Uint8Array> {
    const encoder = new TextEncoder();
    return new ReadableStream({
      start(controller) {
        for (const chunk of chunks) controller.enqueue(encoder.encode(chunk));
        controller.close();
      },
    });
  }

  test("is put together from pieces, wherever they are cut", async () => {
    const seen: string[] = [];
    await readEvents(
      streamOf([": connected\n\nda", 'ta: {"a":1}\n', "\ndata: x\r\ndata: y\r\n\r\n"]),
      (data) => seen.push(data),
    );
    expect(seen).toEqual(['{"a":1}', "x\ny"]);
  });

  test("is not cut inside a letter", async () => {
    const bytes = new TextEncoder().encode("data: ü\n\n");
    const seen: string[] = [];
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(bytes.slice(0, 7));
        controller.enqueue(bytes.slice(7));
        controller.close();
      },
    });
    await readEvents(stream, (data) => seen.push(data));
    expect(seen).toEqual(["ü"]);
  });
});
