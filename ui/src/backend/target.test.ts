import { QueryClient } from "@tanstack/react-query";
import { describe, expect, it } from "vitest";
import type { BackendEvent } from "../bindings/BackendEvent";
import type { RunSummary } from "../bindings/RunSummary";
import { setBackend } from "./backend";
import { call, callAt } from "./call";
import { memoryBackend } from "./memory";
import { inboxQuery, invalidateFor, keys, runListQuery, tableQuery } from "./queries";
import { HERE, isKnownBy, routed } from "./target";

const place = { kind: "server", url: "https://a" } as const;
const summary = { id: "r1" } as RunSummary;

describe("where a command goes", () => {
  it("is decided by the target and by what it is about", () => {
    expect(routed(HERE, "run_get", { run: "r1" })).toEqual({
      name: "run_get",
      request: { run: "r1" },
      isPassedOn: false,
    });
    expect(routed("prod", "run_get", { run: "r1" })).toEqual({
      name: "target_call",
      request: { target: "prod", command: "run_get", request: { run: "r1" } },
      isPassedOn: true,
    });
    for (const name of [
      "workflow_save",
      "draft_put",
      "settings_set",
      "trigger_list",
      "target_list",
    ] as const) {
      expect(routed("prod", name, {}).name).toBe(name);
    }
  });

  it("knows what each kind of target is asked", () => {
    expect(isKnownBy("temporal", "run_reset")).toBe(true);
    expect(isKnownBy("server", "run_reset")).toBe(false);
    expect(isKnownBy("temporal", "run_release")).toBe(false);
    expect(isKnownBy("server", "trigger_fire")).toBe(false);
  });

  it("hands out the answer of the target, and asks this computer where nothing else is said", async () => {
    const backend = memoryBackend({ run_list: () => ({ runs: [], total: 1 }) }).givenTarget({
      line: { id: "prod", name: "Production", place, hasSecret: true },
      handlers: { run_list: () => ({ runs: [], total: 70 }) },
    });
    setBackend(backend);
    expect((await call("run_list", { limit: 1 })).total).toBe(1);
    expect((await callAt("prod", "run_list", { limit: 1 })).total).toBe(70);
    expect(backend.asked("prod")).toEqual([{ command: "run_list", request: { limit: 1 } }]);
  });
});

describe("what is kept of answers", () => {
  it("names the target", () => {
    for (const query of [runListQuery, tableQuery] as const) {
      expect(query("prod", {} as never).queryKey).not.toEqual(query(HERE, {} as never).queryKey);
    }
    expect(inboxQuery("prod").queryKey).not.toEqual(inboxQuery("other").queryKey);
    expect(keys.blob("prod", "b")).not.toEqual(keys.blob(HERE, "b"));
    expect(keys.run("prod", "r1")).not.toEqual(keys.run(HERE, "r1"));
  });

  function forgotten(event: Parameters<typeof invalidateFor>[1]): string[] {
    const client = new QueryClient();
    const all = { here: runListQuery(HERE, {} as never), prod: runListQuery("prod", {} as never) };
    client.setQueryData(all.here.queryKey, { runs: [], total: 0 });
    client.setQueryData(all.prod.queryKey, { runs: [], total: 0 });
    invalidateFor(client, event);
    return Object.entries(all)
      .filter(([, { queryKey }]) => client.getQueryState(queryKey)?.isInvalidated)
      .map(([name]) => name);
  }

  it("is forgotten for the target that something happened at, and for no other", () => {
    const event: BackendEvent = { type: "run-advanced", summary, events: [], truncated: false };
    expect(forgotten(event)).toEqual(["here"]);
    expect(forgotten({ type: "target", target: "prod", event })).toEqual(["prod"]);
    expect(forgotten({ type: "target", target: "other", event })).toEqual([]);
    expect(forgotten({ type: "target", target: "prod", event: { type: "lagged" } })).toEqual(["prod"]);
    expect(forgotten({ type: "lagged" })).toEqual(["here", "prod"]);
  });
});
