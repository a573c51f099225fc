// Where things are. Nothing here touches the disk.
import { dirname, isAbsolute, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder with the root `Cargo.toml`. */
export const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

/** A path inside the project. */
export const inProject = (...parts) => join(root, ...parts);

/** Where cargo builds; `CARGO_TARGET_DIR` is respected. */
export function targetFolder() {
  const chosen = process.env.CARGO_TARGET_DIR;
  if (!chosen) return inProject("target");
  return isAbsolute(chosen) ? chosen : inProject(chosen);
}

/** A program that cargo built. */
export function builtProgram(name, profile) {
  const folder = profile === "dev" ? "debug" : profile;
  return join(targetFolder(), folder, process.platform === "win32" ? `${name}.exe` : name);
}
