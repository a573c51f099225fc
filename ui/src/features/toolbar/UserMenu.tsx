import { Button, Menu } from "@mantine/core";
import { CircleUserRound, LogOut } from "lucide-react";
import { getBackend } from "../../backend/backend";
import { useRights } from "../../state/rights";

/** Who is signed in to a server, and with which roles. Nothing where there are no users. */
export function UserMenu() {
  const user = useRights((rights) => rights.user);
  if (!user) return null;
  const roles = user.roles.join(", ");
  return (
    <Menu position="bottom-end" width={240}>
      <Menu.Target>
        <Button
          size="sm"
          variant="subtle"
          color="gray"
          leftSection={<CircleUserRound size={16} aria-hidden />}
          data-testid="user-menu"
          aria-label={`Signed in as ${user.name}: ${roles}`}
        >
          {user.name} · {roles}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {user.name} may {roles}
        </Menu.Label>
        <Menu.Item
          leftSection={<LogOut size={15} />}
          data-testid="sign-out"
          onClick={() => void getBackend().signOut?.()}
        >
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
