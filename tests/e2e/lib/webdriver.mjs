// The real window, driven through WebKitWebDriver: the W3C protocol, as much of it as the journeys need.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { desktop } from "./place.mjs";
import { startScreen } from "./screen.mjs";

const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** Opens the window in `place`; `file` is a workflow to open. */
export async function openWindow(place, { file, width = 1360, height = 860, env = {} } = {}) {
  const screen = await startScreen(width, height);
  const port = await freePort();
  const driver = spawn("WebKitWebDriver", ["--host=127.0.0.1", `--port=${port}`], {
    cwd: place.workspace,
    env: {
      ...place.env,
      DISPLAY: screen.display,
      GDK_BACKEND: "x11",
      NO_AT_BRIDGE: "1",
      TAURI_AUTOMATION: "true",
      TAURI_WEBVIEW_AUTOMATION: "true",
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  driver.stdout.setEncoding("utf8").on("data", (text) => { log += text; });
  driver.stderr.setEncoding("utf8").on("data", (text) => { log += text; });

  const base = `http://127.0.0.1:${port}`;
  const send = async (method, path, body) => {
    const response = await fetch(base + path, {
      method,
      headers: { "Content-Type": "application/json" },
      body: method === "POST" ? JSON.stringify(body ?? {}) : undefined,
      signal: AbortSignal.timeout(45_000),
    });
    const { value } = await response.json();
    if (!response.ok) throw new Error(`${value.error}: ${value.message}`);
    return value;
  };
  const close = async () => {
    driver.kill();
    await Promise.race([once(driver, "exit"), wait(5_000, null, { ref: false })]);
    await screen.stop();
  };

  let session;
  for (let attempt = 0; ; attempt += 1) {
    try {
      const created = await send("POST", "/session", {
        capabilities: {
          alwaysMatch: { "webkitgtk:browserOptions": { binary: desktop(), args: file ? [file] : [] } },
        },
      });
      session = `/session/${created.sessionId}`;
      break;
    } catch (error) {
      // The driver itself needs a moment before it listens; anything it answers is final.
      if (error.cause?.code !== "ECONNREFUSED" || attempt === 50) {
        await close();
        throw new Error(`no window: ${error.message}\n${log}`, { cause: error });
      }
      await wait(100);
    }
  }

  /** Calls `work` until it gives something; people wait for a thing to appear, not for a time to pass. */
  const until = async (what, work, ms = 20_000) => {
    const end = Date.now() + ms;
    let last;
    while (Date.now() < end) {
      try {
        const result = await work();
        if (result) return result;
      } catch (error) {
        last = error;
      }
      await wait(100);
    }
    throw new Error(`waited ${ms / 1000} s for ${what}${last ? `: ${last.message}` : ""}`);
  };
  const run = (script, ...args) => send("POST", `${session}/execute/sync`, { script, args });
  const find = (css) =>
    until(`\`${css}\``, async () => {
      const found = await send("POST", `${session}/element`, { using: "css selector", value: css });
      return found[ELEMENT];
    });
  const byTestId = (id) => `[data-testid="${id}"]`;
  const pointer = (actions) =>
    send("POST", `${session}/actions`, {
      actions: [{ type: "pointer", id: "mouse", parameters: { pointerType: "mouse" }, actions }],
    });
  const centre = async (id) => {
    await find(byTestId(id));
    // What lies on the canvas stays where it is: the canvas has no scroll bars.
    return await run(
      `const found = document.querySelector(arguments[0]);
      if (!found.closest("[role=application]")) found.scrollIntoView({ block: "nearest" });
      const box = found.getBoundingClientRect();
      return { x: Math.round(box.left + box.width / 2), y: Math.round(box.top + box.height / 2) };`,
      byTestId(id),
    );
  };
  const has = async (id) => (await run("return document.querySelector(arguments[0]) !== null", byTestId(id))) === true;
  const click = async (id) => {
    const { x, y } = await centre(id);
    await pointer([
      { type: "pointerMove", duration: 0, x, y },
      { type: "pointerDown", button: 0 },
      { type: "pointerUp", button: 0 },
    ]);
  };

  return {
    run,
    until,
    close,
    log: () => log,
    /** Ends the window as a person does who has had enough: at once. */
    quit: async () => {
      await send("DELETE", session);
      await close();
    },
    find: (id) => find(byTestId(id)),
    has,
    text: async (id) => await send("GET", `${session}/element/${await find(byTestId(id))}/text`),
    click,
    /** Starts a run and answers what Baton asks before it: whether to trust this version, and the input as suggested. */
    startRun: async () => {
      await click("run-button");
      const pressed = new Set();
      await until("the run", async () => {
        for (const id of ["trust-run", "start-run-submit"]) {
          if (pressed.has(id) || !(await has(id))) continue;
          pressed.add(id);
          // A dialog slides in; what is pressed must have come to rest.
          await wait(400);
          await click(id);
          break;
        }
        return await has("run-status");
      });
    },
    centre,
    /** Moves the pointer to where nothing answers to it. */
    rest: async () => await pointer([{ type: "pointerMove", duration: 0, x: 2, y: 400 }]),
    /** Presses at one point, moves in small steps as a hand does, and lets go at another. */
    drag: async (from, to) => {
      const steps = Array.from({ length: 12 }, (_, index) => ({
        type: "pointerMove",
        duration: 25,
        x: Math.round(from.x + ((to.x - from.x) * (index + 1)) / 12),
        y: Math.round(from.y + ((to.y - from.y) * (index + 1)) / 12),
      }));
      await pointer([
        { type: "pointerMove", duration: 0, ...from },
        { type: "pointerDown", button: 0 },
        ...steps,
        { type: "pause", duration: 100 },
        { type: "pointerUp", button: 0 },
      ]);
    },
    keys: async (...keys) => {
      const down = keys.map((value) => ({ type: "keyDown", value }));
      const up = keys.toReversed().map((value) => ({ type: "keyUp", value }));
      await send("POST", `${session}/actions`, { actions: [{ type: "key", id: "keyboard", actions: [...down, ...up] }] });
    },
    type: async (text) => {
      const actions = [...text].flatMap((value) => [{ type: "keyDown", value }, { type: "keyUp", value }]);
      await send("POST", `${session}/actions`, { actions: [{ type: "key", id: "keyboard", actions }] });
    },
    screenshot: async () => screen.picture(),
  };
}
