// What Baton needs from the machine, how to see whether it is there, and what Debian and Ubuntu call it.
// Another distribution gets the list in words.
import { ask, findProgram, run } from "./run.mjs";
import { dim, say, Trouble, yellow } from "./terminal.mjs";

const linux = process.platform === "linux";

const program = (...names) => () => names.some((name) => findProgram(name) !== null);
const library = (name) => () => ask("pkg-config", ["--exists", name]) !== null;

/** Each: what it is, what for, whether it is there, and its Debian packages. */
const needs = {
  compile: [
    { what: "a C compiler", why: "SQLite and Rust's linker", isThere: program("cc", "gcc", "clang"), apt: ["build-essential"] },
  ],
  window: [
    { what: "pkg-config", why: "finding libraries", isThere: program("pkg-config"), apt: ["pkg-config"] },
    { what: "WebKitGTK 4.1", why: "the window", isThere: library("webkit2gtk-4.1"), apt: ["libwebkit2gtk-4.1-dev"] },
    { what: "librsvg", why: "icons", isThere: library("librsvg-2.0"), apt: ["librsvg2-dev"] },
  ],
  soak: [
    { what: "strace", why: "making calls of the system fail, and seeing what reaches the disk", isThere: program("strace"), apt: ["strace"] },
  ],
  test: [
    { what: "Chromium", why: "journeys in a browser", isThere: () => findChromium() !== null, apt: ["chromium"] },
    { what: "Xvfb", why: "a screen for the window under test", isThere: program("Xvfb"), apt: ["xvfb"] },
    { what: "WebKitWebDriver", why: "journeys in the window", isThere: program("WebKitWebDriver"), apt: ["webkit2gtk-driver"] },
    { what: "D-Bus", why: "a session for the window under test", isThere: program("dbus-run-session"), apt: ["dbus"] },
    { what: "DejaVu fonts", why: "text in pictures", isThere: hasFonts, apt: ["fontconfig", "fonts-dejavu-core"] },
  ],
};

/** The browser for journeys; `BATON_CHROMIUM` names another one. */
export function findChromium() {
  const chosen = process.env.BATON_CHROMIUM;
  if (chosen) return chosen;
  for (const name of ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"]) {
    const path = findProgram(name);
    if (path) return path;
  }
  return null;
}

function hasFonts() {
  return (ask("fc-list", [":family=DejaVu Sans"]) ?? "") !== "";
}

/** Which of these needs are not met. Elsewhere than on Linux the system brings what the window needs. */
export function missing(groups) {
  return groups
    .filter((group) => linux || group === "compile")
    .flatMap((group) => needs[group])
    .filter((need) => !need.isThere());
}

/** Installs what is missing with apt-get, or says exactly what to install by hand. */
export async function provide(groups) {
  const absent = missing(groups);
  if (absent.length === 0) return;
  for (const need of absent) say(`    missing: ${need.what} (for ${need.why})`);

  const packages = [...new Set(absent.flatMap((need) => need.apt))];
  const byHand = `apt-get install ${packages.join(" ")}`;
  if (!findProgram("apt-get")) {
    throw new Trouble(
      `this machine lacks ${absent.map((need) => need.what).join(", ")}`,
      `install them with your package manager; on Debian and Ubuntu that would be \`sudo ${byHand}\``,
    );
  }
  const isRoot = process.getuid?.() === 0;
  if (!isRoot && !findProgram("sudo")) {
    throw new Trouble(`installing needs the rights of an administrator`, `run \`${byHand}\` as root, then try again`);
  }
  // Without a terminal nobody could type a password: fail at once rather than wait for one.
  const asRoot = isRoot ? [] : process.stdin.isTTY ? ["sudo"] : ["sudo", "-n"];
  const apt = async (...args) => {
    const [first, ...rest] = [...asRoot, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", ...args];
    return await run(first, rest, { output: "quiet" });
  };
  say(`    installing Debian packages: ${packages.join(", ")}`);
  if (!isRoot) say(dim("    (sudo may ask for your password)"));
  await apt("update");
  const installed = await apt("install", "-y", "--no-install-recommends", ...packages);
  const still = missing(groups);
  if (still.length > 0) {
    process.stdout.write(installed.text);
    throw new Trouble(
      `could not install ${still.map((need) => need.what).join(", ")}`,
      `run \`sudo ${byHand}\` and look at what it says`,
    );
  }
}

/** Rust, new enough for the workspace. */
export function requireRust(atLeast) {
  const version = ask("cargo", ["--version"])?.match(/^cargo (\d+)\.(\d+)/);
  if (!version) {
    throw new Trouble("Rust is missing: there is no `cargo`", "install it with rustup, then try again");
  }
  const [major, minor] = atLeast.split(".").map(Number);
  const [, hasMajor, hasMinor] = version.map(Number);
  if (hasMajor < major || (hasMajor === major && hasMinor < minor)) {
    throw new Trouble(
      `Rust ${hasMajor}.${hasMinor} is too old: Baton needs ${atLeast}`,
      "run `rustup update stable`, then try again",
    );
  }
}

/** Node, new enough for the build of the interface. */
export function requireNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  throw new Trouble(`Node ${process.versions.node} is too old: Baton needs 20.19`, "install a newer Node");
}

/** Whether a window could open here. */
export function hasDisplay() {
  if (!linux) return true;
  return Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);
}

export function warn(text) {
  say(`${yellow("note:")} ${text}`);
}
