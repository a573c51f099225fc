/** What a question is decided on. */
import { isBlob, isTable } from "../data/kind-of-value";
import ValueView from "../data/ValueView";
import { humanize } from "../runs/schema-form";
import classes from "./inbox.module.css";

/** Short values as a list of facts; tables and structures below, each with its name. */
export default function Evidence({ evidence }: { evidence: Record<string, unknown> }) {
  const entries = Object.entries(evidence);
  const isLarge = (value: unknown) =>
    (typeof value === "object" && value !== null) || (typeof value === "string" && value.length > 80);
  const short = entries.filter(([, value]) => !isLarge(value));
  const large = entries.filter(([, value]) => isLarge(value));
  return (
    <div className={classes.evidence} data-testid="evidence">
      {short.length > 0 && (
        <dl className={classes.short}>
          {short.map(([name, value]) => (
            <div key={name}>
              <dt>{humanize(name)}</dt>
              <dd data-long={typeof value === "string" && value.length > 24 ? true : undefined}>
                {value === null
                  ? "none"
                  : typeof value === "number"
                    ? value.toLocaleString("en")
                    : String(value)}
              </dd>
            </div>
          ))}
        </dl>
      )}
      {large.map(([name, value]) => (
        <section key={name} className={classes.large}>
          <h4>{humanize(name)}</h4>
          <div className={classes.largeValue} data-tall={isTable(value) || isBlob(value) || undefined}>
            <ValueView value={value} label={humanize(name)} isCompact={!isTable(value) && !isBlob(value)} />
          </div>
        </section>
      ))}
    </div>
  );
}
