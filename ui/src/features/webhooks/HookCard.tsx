/** One webhook that is active: its address, its secret, what it took and what it refused. */
import { CircleCheck, CircleX, KeyRound, Repeat2 } from "lucide-react";
import type { HookRefused } from "../../bindings/HookRefused";
import type { HookView } from "../../bindings/HookView";
import { Words } from "../../components/Words";
import { formatRelative } from "../runs/time";
import CopyLine from "./CopyLine";
import CurlExample from "./CurlExample";
import classes from "./webhooks.module.css";

interface HookCardProps {
  hook: HookView;
  /** Name of its workflow. */
  name: string;
  base: string;
  now: number;
}

const times = (count: number) => (count === 1 ? "once" : `${count.toLocaleString("en")} times`);

export default function HookCard({ hook, name, base, now }: HookCardProps) {
  const url = hook.url ?? base + hook.path;
  const isQuiet = hook.accepted === 0 && hook.duplicates === 0 && hook.refused.length === 0;
  return (
    <li className={classes.hook} data-testid={`hook-${hook.workflow}-${hook.trigger}`}>
      <h4>
        {name} <span>{hook.trigger}</span>
      </h4>
      <CopyLine text={url} what="the address" testId="hook-url" />
      {!hook.hasSecret && (
        <p className={classes.trouble}>
          <KeyRound size={14} aria-hidden />
          <span>
            Its secret is not set here (at least 8 characters), so every call is refused. Set the environment
            variable <code>{hook.variable}</code> and start Baton again.
          </span>
        </p>
      )}
      <CurlExample call={{ ...hook, url }} />
      <ul className={classes.counts} aria-label={`Calls of ${hook.trigger} since this start`}>
        {isQuiet && <li>No call since this start.</li>}
        {hook.accepted > 0 && (
          <li data-testid="hook-accepted">
            <CircleCheck size={13} color="var(--bt-succeeded)" aria-hidden /> Taken {times(hook.accepted)}
          </li>
        )}
        {hook.duplicates > 0 && (
          <li>
            <Repeat2 size={13} aria-hidden /> Sent again and taken only once: {times(hook.duplicates)}
          </li>
        )}
        {hook.refused.map((refused) => (
          <Refusal key={refused.code} refused={refused} now={now} />
        ))}
      </ul>
    </li>
  );
}

export function Refusal({ refused, now }: { refused: HookRefused; now: number }) {
  return (
    <li data-testid={`refused-${refused.code}`}>
      <CircleX size={13} color="var(--bt-failed)" aria-hidden />
      <span>
        Refused {times(refused.count)}, last {formatRelative(refused.lastAt, Math.max(now, refused.lastAt))}:{" "}
        <Words text={refused.message} isPlain />
      </span>
    </li>
  );
}
