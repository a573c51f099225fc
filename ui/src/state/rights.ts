import { create } from "zustand";
import { call } from "../backend/call";
import { COMMAND_ROLES, type Commands } from "../bindings/Commands";
import type { Role } from "../bindings/Role";
import type { UserIdentified } from "../bindings/UserIdentified";

type RightsStore = {
  /** The user of the server who looks at this page; `null`: whoever looks owns it and may do everything. */
  user: UserIdentified | null;
  load(): Promise<void>;
};

/** Who looks at this page. What they may do is decided in Rust; here it is only shown beforehand. */
export const useRights = create<RightsStore>()((set) => ({
  user: null,
  async load() {
    set({ user: (await call("app_info", {})).user ?? null });
  },
}));

function has(roles: readonly Role[], role: Role): boolean {
  return roles.includes(role) || roles.includes("admin") || (role === "view" && roles.length > 0);
}

/** Why a command would be refused, in words; `null`: it would not. */
export function whyNot(command: keyof Commands): string | null {
  return refusal(useRights.getState().user, command);
}

/** As [`whyNot`], for components. */
export function useWhyNot(command: keyof Commands): string | null {
  return refusal(
    useRights((rights) => rights.user),
    command,
  );
}

function refusal(user: UserIdentified | null, command: keyof Commands): string | null {
  const role = COMMAND_ROLES[command];
  if (user === null || has(user.roles, role)) return null;
  return `This needs the role “${role}”, which ${user.name} does not have: ask an administrator of this server`;
}
