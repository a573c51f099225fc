/** What went wrong, and the way out. */
import type { StepError } from "../../bindings/StepError";
import { Words } from "../../components/Words";
import ValueView from "../data/ValueView";
import classes from "./runs.module.css";

export default function ErrorView({ error }: { error: StepError }) {
  return (
    <section className={classes.error} aria-label="Error">
      <p className={classes.errorMessage}>
        <Words text={error.message} />
      </p>
      {error.hint && (
        <p className={classes.errorHint}>
          <Words text={error.hint} />
        </p>
      )}
      <dl className={classes.facts}>
        <dt>Code</dt>
        <dd>
          <code>{error.code}</code>
        </dd>
        {error.step && (
          <>
            <dt>Happened in</dt>
            <dd>
              <code>{error.step}</code>
            </dd>
          </>
        )}
        <dt>Retry</dt>
        <dd>{error.permanent ? "Cannot help, so it was not tried" : "May help"}</dd>
      </dl>
      {error.details !== undefined && error.details !== null && (
        <>
          <h4 className={classes.subhead}>More</h4>
          <ValueView value={error.details} label="Details of the error" isCompact />
        </>
      )}
    </section>
  );
}
