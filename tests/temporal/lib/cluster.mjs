// A cluster of its own for a journey: the server of `scripts/temporal.mjs`, in memory, on loopback, and workers of Baton.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { baton } from "../../e2e/lib/place.mjs";
import { inProject } from "../../../scripts/lib/paths.mjs";

const attributes = ["BatonWorkflow=Keyword", "BatonDigest=Keyword", "BatonStatus=Keyword", "BatonAsking=KeywordList"];

// Without these a run makes 20 steps a second, timers are a second late, and a worker that stops may be handed steps.
const settings = [
  "frontend.enableCancelWorkerPollsOnShutdown=true",
  "history.transferProcessorMaxPollRPS=1000",
  "history.timerProcessorMaxPollRPS=1000",
  'history.timerProcessorMaxTimeShift="1ms"',
];

async function freePort() {
  const socket = createServer().listen(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  await once(socket, "close");
  return port;
}

async function answers(port) {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Looks until `look` gives something that is there; what is wrong until then is said if it never comes. */
export async function eventually(what, look, { ms = 60_000 } = {}) {
  const begun = Date.now();
  let last = "nothing was there";
  while (Date.now() - begun < ms) {
    try {
      const found = await look();
      if (found) return found;
    } catch (error) {
      last = error;
    }
    await wait(50);
  }
  throw new Error(`gave up waiting for ${what}`, { cause: last });
}

async function ended(child, signal = "SIGTERM") {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill(signal);
  const isOver = await Promise.race([exit.then(() => true), wait(15_000, false, { ref: false })]);
  if (!isOver) child.kill("SIGKILL");
}

/** Starts a server; `address` is where it is. */
export async function startCluster() {
  const port = await freePort();
  const program = inProject("node_modules/.cache/temporal/bin/temporal");
  const args = ["server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", String(port), "--log-level", "never"];
  for (const one of attributes) args.push("--search-attribute", one);
  for (const one of settings) args.push("--dynamic-config-value", one);
  const child = spawn(program, args, { stdio: "ignore" });
  await eventually("the server", () => answers(port));
  return { address: `127.0.0.1:${port}`, stop: () => ended(child, "SIGKILL") };
}

/** Starts `baton worker` as people do. Resolves once it listens. */
export async function startWorker(place, cluster, { queue, blobs, work }) {
  const args = ["worker", "--temporal", cluster.address, "--task-queue", queue, "--blobs", blobs, "--work", work, "--json"];
  const child = spawn(baton(), args, { cwd: place.workspace, env: place.env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (output += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (output += text));
  await eventually("the worker", () => {
    if (child.exitCode !== null) throw new Error(`the worker ended with ${child.exitCode}: ${output}`);
    return output.includes('"ready"');
  });
  return {
    /** Lets it end as it wants to; gives its exit code. */
    async stop() {
      await ended(child);
      return child.exitCode;
    },
    kill: () => ended(child, "SIGKILL"),
  };
}

/** The processes `baton-temporal rpc` that `parent` started. */
export function programsOf(parent) {
  const { stdout } = spawnSync("ps", ["-A", "-o", "pid=,ppid=,stat=,args="], { encoding: "utf8" });
  const rows = stdout.split("\n").map((line) => line.trim().split(/\s+/));
  return rows
    .filter(([, above, state, program, command]) => Number(above) === parent && !state.startsWith("Z") && program.endsWith("baton-temporal") && command === "rpc")
    .map(([pid]) => Number(pid));
}

/** The api over HTTP: `call` asks a command, `events` holds what came on the stream. */
export async function connectTo(server) {
  const [base, code] = server.address.split("#code=");
  const post = (path, body, session) =>
    fetch(new URL(path, base), {
      method: "POST",
      headers: { "Content-Type": "application/json", ...(session ? { "X-Baton-Session": session } : {}) },
      body: JSON.stringify(body),
    });
  const { session } = await (await post("/api/session", { code })).json();
  const stop = new AbortController();
  const events = [];
  const stream = await fetch(new URL("/api/events", base), { headers: { "X-Baton-Session": session }, signal: stop.signal });
  void listen(stream.body, events).catch(() => {});
  return {
    events,
    /** Asks; a refusal is thrown with its code. */
    async call(name, request = {}) {
      const answer = await post(`/api/rpc/${name}`, request, session);
      const value = await answer.json();
      if (!answer.ok) throw Object.assign(new Error(`${name}: ${JSON.stringify(value)}`), value);
      return value;
    },
    close: () => stop.abort(),
  };
}

async function listen(body, events) {
  let rest = "";
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    rest += text;
    const lines = rest.split("\n");
    rest = lines.pop();
    for (const line of lines) {
      if (line.startsWith("data:")) events.push(JSON.parse(line.slice(5)));
    }
  }
}
