/** The workflows that were pushed to this server, each with its last revision. */
import { Text, Title, UnstyledButton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { GitCommitVertical, Server } from "lucide-react";
import { keptQuery } from "../../backend/queries";
import type { KeptLine } from "../../bindings/KeptLine";
import { openKept } from "../../state/kept";
import { ago } from "./ago";
import classes from "./StartPage.module.css";

export function Kept() {
  const { data } = useQuery({ ...keptQuery, refetchOnMount: "always" });
  const lines = data?.workflows ?? [];
  if (lines.length === 0) return null;
  return (
    <section aria-labelledby="kept" data-testid="kept">
      <Title order={2} id="kept" className={classes.heading}>
        <Server size={16} aria-hidden /> On this server
      </Title>
      <ul className={classes.files}>
        {lines.map((line) => (
          <Line key={line.last.workflow} line={line} />
        ))}
      </ul>
    </section>
  );
}

function Line({ line }: { line: KeptLine }) {
  const { last } = line;
  const triggers =
    line.triggers === 0 ? "" : line.isBehind ? " · triggers act in another version" : " · triggers act";
  return (
    <li className={classes.file}>
      <UnstyledButton
        className={classes.fileButton}
        data-testid="kept-workflow"
        onClick={() => void openKept(last.workflow)}
      >
        <GitCommitVertical size={17} color="var(--bt-accent-text)" aria-hidden />
        <span className={classes.fileWords}>
          <span className={classes.fileName}>{last.name}</span>
          <span className={classes.filePath}>
            Revision {last.revision} by {last.pushedBy}
            {triggers}
          </span>
        </span>
        <Text component="span" className={classes.ago}>
          {ago(last.pushedAt)}
        </Text>
      </UnstyledButton>
    </li>
  );
}
