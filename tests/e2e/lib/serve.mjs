// `baton serve` in a place of its own.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { baton } from "./place.mjs";

/** Starts the server and waits until it says where it is. */
export async function serve(place, { args = [] } = {}) {
  const child = spawn(baton(), ["serve", "--port", "0", "--no-open", ...args], {
    cwd: place.workspace,
    env: place.env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const ended = once(child, "exit");
  const address = await Promise.race([
    new Promise((resolve) => {
      const read = (text) => {
        output += text;
        const found = output.match(/http:\/\/(?:127\.0\.0\.1|localhost|\[::1\]):\d+\/\S*#code=\S+/);
        if (found) resolve(found[0]);
      };
      child.stdout.setEncoding("utf8").on("data", read);
      child.stderr.setEncoding("utf8").on("data", read);
    }),
    ended.then(([code]) => {
      throw new Error(`\`baton serve\` ended with ${code}:\n${output}`);
    }),
    wait(30_000, null, { ref: false }).then(() => {
      throw new Error(`\`baton serve\` said no address in 30 s:\n${output}`);
    }),
  ]);
  return {
    address,
    pid: child.pid,
    output: () => output,
    /** As the power goes: no chance to write anything more. */
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGTERM");
      const isOver = await Promise.race([ended.then(() => true), wait(10_000, false, { ref: false })]);
      if (isOver) return;
      child.kill("SIGKILL");
      throw new Error(`\`baton serve\` did not stop in 10 s:\n${output}`);
    },
  };
}
