import { create } from "zustand";
import { call } from "../backend/call";
import { HERE, isKnownBy, type PlaceKind, type Target } from "../backend/target";
import { COMMAND_ROLES, type Commands } from "../bindings/Commands";
import type { Role } from "../bindings/Role";
import type { TargetLine } from "../bindings/TargetLine";
import type { UserIdentified } from "../bindings/UserIdentified";
import { type Standing, setHere, useTargets } from "./targets";

type RightsStore = {
  /** The user of the server who looks at this page; `null`: whoever looks owns it and may do everything. */
  user: UserIdentified | null;
  load(): Promise<void>;
};

/** Who looks at this page. What they may do is decided in Rust; here it is only shown beforehand. */
export const useRights = create<RightsStore>()((set) => ({
  user: null,
  async load() {
    const user = (await call("app_info", {})).user ?? null;
    setHere(user ? "this server" : "this computer");
    set({ user });
  },
}));

function has(roles: readonly Role[], role: Role): boolean {
  return roles.includes(role) || roles.includes("admin") || (role === "view" && roles.length > 0);
}

/** Why a command would be refused, in words; `null`: it would not. `where` is the place that it goes to. */
export function whyNot(command: keyof Commands, where: Target = HERE): string | null {
  const { list, standings } = useTargets.getState();
  return refusal(
    useRights.getState().user,
    command,
    list?.find((line) => line.id === where),
    where === HERE ? undefined : standings[where],
  );
}

/** As [`whyNot`], for components. */
export function useWhyNot(command: keyof Commands, where: Target = HERE): string | null {
  return refusal(
    useRights((rights) => rights.user),
    command,
    useTargets((targets) => targets.list?.find((line) => line.id === where)),
    useTargets((targets) => (where === HERE ? undefined : targets.standings[where])),
  );
}

const KINDS: Record<PlaceKind, string> = { server: "a Baton server", temporal: "a Temporal cluster" };

/** What the commands are called that not every kind of target knows. */
const DEEDS: Partial<Record<keyof Commands, string>> = {
  run_pause: "let runs pause",
  run_resume: "let runs pause",
  run_release: "let go on what was set aside",
  run_reset: "go back to a step",
};

function refusal(
  user: UserIdentified | null,
  command: keyof Commands,
  line?: TargetLine,
  standing?: Standing,
): string | null {
  const role = COMMAND_ROLES[command];
  if (user !== null && !has(user.roles, role)) {
    return `This needs the role “${role}”, which ${user.name} does not have: ask an administrator of this server`;
  }
  if (!line) return null;
  const can = standing?.checked?.can;
  const isMissing =
    !isKnownBy(line.place.kind, command) ||
    (can && command === "run_reset" && !can.reset) ||
    (can && (command === "run_pause" || command === "run_resume") && !can.pause);
  if (isMissing) {
    return `“${line.name}” cannot ${DEEDS[command] ?? "do this"}: it is ${KINDS[line.place.kind]}`;
  }
  const there = standing?.user;
  if (there && !has(there.roles, role)) {
    return `This needs the role “${role}”, which ${there.name} does not have on “${line.name}”: ask an administrator there`;
  }
  return null;
}
