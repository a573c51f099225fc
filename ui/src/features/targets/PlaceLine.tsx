import { HERE, type Target } from "../../backend/target";
import { Words } from "../../components/Words";
import { useLine, useNameOf, useStanding } from "../../state/targets";
import StatusMark from "../runs/StatusMark";
import { addressOf, lookOf, placeIcon, plainly, troubleOf } from "./target-looks";
import classes from "./targets.module.css";

/** Says above a list that it is of a target, how that stands, and what to do if it cannot be reached. */
export function PlaceLine({ target }: { target: Target }) {
  const line = useLine(target);
  const name = useNameOf(target);
  const standing = useStanding(target);
  if (target === HERE) return null;
  const Icon = placeIcon(line?.place.kind ?? "server");
  const trouble = troubleOf(standing);
  return (
    <div className={classes.place} data-testid="place-line">
      <Icon size={13} aria-hidden />
      <b className={classes.placeName} title={line && addressOf(line.place)}>
        On {name}
      </b>
      <StatusMark look={lookOf(standing)} size={13} />
      {trouble && (
        <span className={classes.placeTrouble} title={trouble.hint && plainly(trouble.hint)}>
          <Words text={trouble.message} />
        </span>
      )}
    </div>
  );
}
