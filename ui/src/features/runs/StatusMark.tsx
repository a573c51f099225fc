/** A state as icon and word, without a frame. */
import type { Look } from "../../components/status";
import classes from "./StatusMark.module.css";

export default function StatusMark({
  look,
  hasWord = true,
  size = 14,
}: {
  look: Look;
  hasWord?: boolean;
  size?: number;
}) {
  const Icon = look.icon;
  return (
    <span
      className={classes.mark}
      style={{ color: `var(--bt-${look.tone})` }}
      title={hasWord ? undefined : look.label}
    >
      <Icon size={size} aria-hidden="true" className={look.isBusy ? classes.turning : undefined} />
      {hasWord ? <span>{look.label}</span> : <span className="bt-visually-hidden">{look.label}</span>}
    </span>
  );
}
