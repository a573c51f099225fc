// A server for a team: users sign in with their token, and see what their roles allow.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { journey } from "../lib/journey.mjs";
import { chain, textOf } from "../lib/made.mjs";
import { baton } from "../lib/place.mjs";
import { at } from "../lib/studio.mjs";

/** A server for a team in this place, with a workflow that was pushed to it. */
async function team(place) {
  const run = (args, more = {}) => execFileSync(baton(), args, { cwd: place.workspace, env: { ...place.env, ...more } }).toString();
  const add = (name, ...roles) => JSON.parse(run(["users", "add", name, "--json", ...roles.flatMap((role) => ["--role", role])])).token;
  const tokens = { vic: add("vic", "view"), eve: add("eve", "edit", "run") };
  const server = spawn(baton(), ["serve", "--json", "--listen", "127.0.0.1:0"], { cwd: place.workspace, env: place.env });
  const [line] = await once(createInterface({ input: server.stdout }), "line");
  const { url } = JSON.parse(line).ready;
  writeFileSync(place.path("orders.baton.json"), textOf(chain(3, "orders")));
  run(["push", place.path("orders.baton.json"), "--to", url, "--yes"], { BATON_TOKEN: tokens.eve });
  return { url, tokens, server };
}

journey("users of a team sign in and see what their roles allow", { expected: [/401/] }, async ({ page, place }) => {
  const { url, tokens, server } = await team(place);
  try {
    await page.goto(url);
    await at(page, "sign-in-token").fill("baton_guess");
    await at(page, "sign-in-button").click();
    await page.getByText(/not a token/).waitFor();
    await at(page, "sign-in-token").fill(tokens.vic);
    await at(page, "sign-in-button").click();
    await page.getByText("vic · view").waitFor();
    assert.ok(await at(page, "new-workflow").isDisabled());
    await at(page, "kept-workflow").click();
    assert.match(await at(page, "run-button").getAttribute("title"), /role “run”/);
    assert.ok(await at(page, "run-button").isDisabled());
    await at(page, "user-menu").click();
    await at(page, "sign-out").click();
    await at(page, "sign-in").waitFor();

    // A link with the token signs in at once, also in this tab, and the token leaves the address.
    await page.goto(`${url}/#token=${tokens.eve}`);
    await page.getByText("eve · run, edit").waitFor();
    assert.equal(new URL(page.url()).hash, "");
    await at(page, "kept-workflow").click();
    await at(page, "run-button").click();
    await page.locator('[data-testid="run-status"][data-status="succeeded"]').waitFor();
  } finally {
    server.kill("SIGTERM");
    await once(server, "exit");
  }
});
