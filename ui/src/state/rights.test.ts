import { afterEach, expect, test } from "vitest";
import { setBackend } from "../backend/backend";
import { memoryBackend } from "../backend/memory";
import { useRights, whyNot } from "./rights";

afterEach(() => useRights.setState({ user: null }));

async function as(roles: ("view" | "run" | "approve" | "edit" | "admin")[]): Promise<void> {
  const backend = memoryBackend();
  const info = (await backend.rpc("app_info", {})) as never as Record<string, unknown>;
  backend.given("app_info", () => ({ ...info, user: { name: "mia", roles } }) as never);
  setBackend(backend);
  await useRights.getState().load();
}

test("whoever owns the server may do everything", () => {
  expect(whyNot("user_add")).toBeNull();
});

test("a user may do what their roles say, and is told what is missing", async () => {
  await as(["run"]);
  expect(whyNot("run_start")).toBeNull();
  expect(whyNot("run_get")).toBeNull();
  expect(whyNot("workflow_save")).toContain("“edit”");
  expect(whyNot("approval_decide")).toContain("mia");
  await as(["admin"]);
  expect(whyNot("workflow_save")).toBeNull();
});
