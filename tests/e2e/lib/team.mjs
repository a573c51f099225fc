// A server for a team, in a place of its own: users with tokens, and a port that it comes back to.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { baton, makePlace } from "./place.mjs";

/**
 * Starts it, with the users that are named: `{ ada: ["run"] }`; `tokens` has the token of each. `stop` ends it as a signal
 * does, `start` brings it back at the same address.
 */
export async function team(users) {
  const place = makePlace();
  const run = (...args) => execFileSync(baton(), args, { cwd: place.workspace, env: place.env }).toString();
  const tokens = Object.fromEntries(
    Object.entries(users).map(([name, roles]) => {
      const options = roles.flatMap((role) => ["--role", role]);
      return [name, JSON.parse(run("users", "add", name, "--json", ...options)).token];
    }),
  );
  let child;
  const server = {
    place,
    tokens,
    url: "",
    async start() {
      const listen = server.url === "" ? "127.0.0.1:0" : new URL(server.url).host;
      child = spawn(baton(), ["serve", "--json", "--listen", listen], { cwd: place.workspace, env: place.env });
      const line = await Promise.race([
        once(createInterface({ input: child.stdout }), "line").then(([text]) => text),
        once(child, "exit").then(([code]) => {
          throw new Error(`\`baton serve --listen ${listen}\` ended with ${code}`);
        }),
      ]);
      server.url = JSON.parse(line).ready.url;
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGTERM");
      await once(child, "exit");
    },
    async remove() {
      await server.stop();
      place.remove();
    },
  };
  await server.start();
  return server;
}
