import { useQuery } from "@tanstack/react-query";
import { inboxQuery } from "../../backend/queries";
import { HERE, type Target } from "../../backend/target";
import { nameOf, useTargets } from "../../state/targets";
import classes from "./targets.module.css";

/** Questions of this computer are not forgotten while those of a target are looked at. */
export function WaitsHere({ where }: { where: Target }) {
  const here = useQuery({ ...inboxQuery(HERE), enabled: where !== HERE });
  const choose = useTargets((targets) => targets.choose);
  const count = where === HERE ? 0 : (here.data?.items.length ?? 0);
  if (count === 0) return null;
  return (
    <div className={classes.place} data-testid="waits-here">
      <span>
        {count === 1 ? "One question waits" : `${count} questions wait`} on {nameOf(HERE)}
      </span>
      <button type="button" className={classes.link} onClick={() => choose(HERE)}>
        Show {count === 1 ? "it" : "them"}
      </button>
    </div>
  );
}
