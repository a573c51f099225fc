import classes from "./StatusBadge.module.css";
import type { Look } from "./status";

/** A state as icon, word and colour. */
export function StatusBadge({ look, size = "md" }: { look: Look; size?: "sm" | "md" }) {
  const Icon = look.icon;
  return (
    <span
      className={classes.badge}
      data-size={size}
      style={{ color: `var(--bt-${look.tone})`, background: `var(--bt-${look.tone}-soft)` }}
    >
      <Icon size={size === "sm" ? 12 : 14} aria-hidden className={look.isBusy ? classes.busy : undefined} />
      {look.label}
    </span>
  );
}
