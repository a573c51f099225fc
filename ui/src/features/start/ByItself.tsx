/** What starts by itself on this machine, and what was missed while Baton was away. */
import { Text, Title, UnstyledButton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { CalendarX, Zap } from "lucide-react";
import { firingsQuery, triggersQuery } from "../../backend/queries";
import type { TriggerLine } from "../../bindings/TriggerLine";
import { Words } from "../../components/Words";
import { openPath } from "../../state/files";
import StatusMark from "../runs/StatusMark";
import { formatRelative } from "../runs/time";
import { useNow } from "../runs/use-now";
import { kindOf, lookOf } from "../triggers/trigger-looks";
import { withoutCode } from "../webhooks/webhook-words";
import { ago } from "./ago";
import classes from "./StartPage.module.css";

/** How long what was missed is told here; the list of each trigger keeps it for ever. */
const RECENT_MS = 24 * 3_600_000;
const MOST_SHOWN = 3;

export function ByItself() {
  const { data } = useQuery(triggersQuery);
  const missed = useQuery(firingsQuery({ status: "missed", limit: 50 }));
  const now = useNow(30_000);
  const lines = data?.triggers ?? [];
  const recent = (missed.data?.firings ?? []).filter((firing) => firing.recordedAt > now - RECENT_MS);
  if (lines.length === 0 && recent.length === 0) return null;
  const count = recent.reduce((sum, firing) => sum + firing.count, 0);
  const names = new Map(lines.map((line) => [line.workflow, line.workflowName]));
  return (
    <section className={classes.itself} aria-labelledby="by-itself" data-testid="by-itself">
      <Title order={2} id="by-itself" className={classes.heading}>
        <Zap size={16} aria-hidden /> Starts by itself
      </Title>
      {recent.length > 0 && (
        <div className={classes.missed} role="status">
          <CalendarX size={16} aria-hidden />
          <div>
            <Text size="sm" fw={550}>
              {count === 1 ? "One start was missed" : `${count.toLocaleString("en")} starts were missed`}{" "}
              while Baton was away
            </Text>
            {recent.slice(0, MOST_SHOWN).map((firing) => (
              <Text key={firing.id} size="sm" c="dimmed">
                {names.get(firing.workflow) ?? firing.workflow}, {firing.trigger}:{" "}
                <Words text={firing.reason ?? "missed"} isPlain /> ({ago(firing.recordedAt, now)})
              </Text>
            ))}
          </div>
        </div>
      )}
      <ul className={classes.files}>
        {lines.map((line) => (
          <Line
            key={`${line.workflow}/${line.trigger}`}
            line={line}
            now={now}
            isActing={data?.isActing ?? false}
          />
        ))}
      </ul>
    </section>
  );
}

function Line({ line, now, isActing }: { line: TriggerLine; now: number; isActing: boolean }) {
  const Icon = kindOf(line.kind).icon;
  const { path } = line;
  return (
    <li className={classes.file}>
      <UnstyledButton
        className={classes.fileButton}
        disabled={path === undefined}
        title={line.trouble ? withoutCode(line.trouble).text.replaceAll("`", "") : path}
        onClick={() => path !== undefined && void openPath(path)}
      >
        <Icon size={17} color="var(--bt-accent-text)" aria-hidden />
        <span className={classes.fileWords}>
          <span className={classes.fileName}>{line.workflowName}</span>
          <span className={classes.filePath}>
            <Words text={line.trouble ? withoutCode(line.trouble).text : line.summary} />
          </span>
        </span>
        <span className={classes.ago}>
          {line.next && line.status === "active" && !line.trouble ? (
            formatRelative(line.next.at, now)
          ) : (
            <StatusMark look={lookOf(line, isActing)} />
          )}
        </span>
      </UnstyledButton>
    </li>
  );
}
