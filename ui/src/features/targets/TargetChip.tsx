import { HERE, type Target } from "../../backend/target";
import { useLine, useNameOf } from "../../state/targets";
import { addressOf, kindLabel, placeIcon } from "./target-looks";
import classes from "./targets.module.css";

/** Names the target that something belongs to. Nothing for what is of this computer: that is the rule. */
export function TargetChip({ target }: { target: Target }) {
  const line = useLine(target);
  const name = useNameOf(target);
  if (target === HERE) return null;
  const Icon = placeIcon(line?.place.kind ?? "server");
  const place = line && `${kindLabel(line.place.kind)}: ${addressOf(line.place)}`;
  return (
    <span className={classes.chip} title={place ? `${name} (${place})` : name} data-testid="target-chip">
      <Icon size={12} aria-hidden />
      <span className="bt-visually-hidden">on </span>
      <span className={classes.chipName}>{name}</span>
    </span>
  );
}
