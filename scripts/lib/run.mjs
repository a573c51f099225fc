// Starts other programs.
import { spawn, spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { root } from "./paths.mjs";
import { Trouble } from "./terminal.mjs";

const windows = process.platform === "win32";

/** The full path of a program, or null. */
export function findProgram(name) {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    for (const ending of windows ? [".exe", ".cmd", ""] : [""]) {
      const path = join(folder, name + ending);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // Not here; the next folder may have it.
      }
    }
  }
  return null;
}

/** What a program prints, or null if it fails. */
export function ask(program, args) {
  const result = spawnSync(program, args, { cwd: root, encoding: "utf8", shell: windows });
  return result.status === 0 ? result.stdout.trim() : null;
}

/**
 * Runs a program to its end.
 *
 * By default its output goes straight through. With `tee`, it goes through and is returned as well, so that a
 * caller can read counts from it; with `quiet`, it is only returned. With `tee-errors`, the output is returned and the
 * error output goes through.
 */
export function run(program, args, { cwd = root, env = {}, output = "through" } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: output === "through" ? "inherit" : ["ignore", "pipe", output === "tee-errors" ? "inherit" : "pipe"],
      // npm is a batch file there; Node does not start those without a shell.
      shell: windows && program === "npm",
    });
    let text = "";
    const keep = (stream) => (chunk) => {
      text += chunk;
      if (output === "tee") stream.write(chunk);
    };
    child.stdout?.setEncoding("utf8").on("data", keep(process.stdout));
    child.stderr?.setEncoding("utf8").on("data", keep(process.stderr));
    child.on("error", (error) =>
      reject(new Trouble(`\`${program}\` could not be started: ${error.message}`)),
    );
    child.on("close", (code, signal) => resolve({ code: code ?? 1, signal, text }));
  });
}

/** Runs a program that must succeed. */
export async function must(program, args, options) {
  const result = await run(program, args, options);
  if (result.code !== 0) {
    if (options?.output === "quiet") process.stdout.write(result.text);
    throw new Trouble(`\`${[program, ...args].join(" ")}\` ended with ${result.signal ?? result.code}`);
  }
  return result;
}
