// A server for a team: users sign in with their token, and see what their roles allow.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { journey } from "../lib/journey.mjs";
import { chain, textOf } from "../lib/made.mjs";
import { baton } from "../lib/place.mjs";
import { at } from "../lib/studio.mjs";
import { team } from "../lib/team.mjs";

/** A server for a team, with a workflow that was pushed to it. */
async function withOrders() {
  const server = await team({ vic: ["view"], eve: ["edit", "run"] });
  const { place, url, tokens } = server;
  writeFileSync(place.path("orders.baton.json"), textOf(chain(3, "orders")));
  execFileSync(baton(), ["push", place.path("orders.baton.json"), "--to", url, "--yes"], {
    cwd: place.workspace,
    env: { ...place.env, BATON_TOKEN: tokens.eve },
  });
  return server;
}

journey("users of a team sign in and see what their roles allow", { expected: [/401/] }, async ({ page }) => {
  const server = await withOrders();
  const { url, tokens } = server;
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
    await server.remove();
  }
});
