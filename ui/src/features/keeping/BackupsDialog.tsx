/** Copies of everything that Baton keeps: when the last one was made, making one, and how to get back. */
import { Alert, Button, Code, Group, Modal, Stack, Switch, Text } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { ArchiveRestore, CircleAlert } from "lucide-react";
import { useState } from "react";
import { call } from "../../backend/call";
import { appInfoQuery, backupQuery, keys } from "../../backend/queries";
import type { BackupRow } from "../../bindings/BackupRow";
import { PanelEmpty, PanelError, PanelSkeleton } from "../../components/Panel";
import { tell, tellError } from "../../state/tell";
import { useView } from "../../state/view";
import { formatExact } from "../runs/time";
import { ago } from "../start/ago";
import classes from "./keeping.module.css";

export function BackupsDialog() {
  const isOpen = useView((view) => view.dialog === "backups");
  const close = useView((view) => view.closeDialog);
  return (
    <Modal opened={isOpen} onClose={close} title="Backups" size="44rem" centered>
      {isOpen && <Backups />}
    </Modal>
  );
}

export function Backups() {
  const client = useQueryClient();
  const backups = useQuery(backupQuery);
  const { data: app } = useQuery(appInfoQuery);
  const [isBusy, setBusy] = useState(false);
  const refresh = () => client.invalidateQueries({ queryKey: keys.backups });

  async function backUp(): Promise<void> {
    setBusy(true);
    try {
      await call("backup_make", {});
      tell("Backup made and read again");
    } catch (thrown) {
      tellError("No backup was made", thrown);
    } finally {
      setBusy(false);
      await refresh();
    }
  }

  async function setDaily(dailyBackup: boolean): Promise<void> {
    try {
      const { panels } = await call("settings_get", {});
      await call("settings_set", { panels, dailyBackup });
    } catch (thrown) {
      tellError("The setting was not kept", thrown);
    }
    await refresh();
  }

  if (backups.isPending) return <PanelSkeleton rows={4} />;
  if (backups.isError) return <PanelError error={backups.error} onRetry={() => void backups.refetch()} />;
  const { backups: rows, folder, isDaily } = backups.data;
  const newest = rows[0];
  return (
    <Stack gap="md" data-testid="backups">
      {app?.readOnly && (
        <Alert color="yellow" icon={<CircleAlert size={16} />} title="Nothing can be kept here now">
          {app.readOnly}. Close Baton, then put a backup in its place with <Code>baton restore BACKUP</Code>,
          or keep what still reads with <Code>baton restore --salvage</Code>. The damaged database is put
          aside, never deleted.
        </Alert>
      )}
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm" data-testid="last-backup">
          {newest ? `The last backup was made ${ago(newest.at)}.` : "There is no backup yet."}
        </Text>
        <Button
          leftSection={<ArchiveRestore size={16} />}
          loading={isBusy}
          onClick={() => void backUp()}
          data-testid="back-up-now"
        >
          Back up now
        </Button>
      </Group>
      <Switch
        label="Make one every day"
        description="When nothing is being carried out; the last seven days and four weeks are kept"
        checked={isDaily}
        onChange={(event) => void setDaily(event.currentTarget.checked)}
        data-testid="daily-backup"
      />
      {newest ? (
        <ul className={classes.rows} aria-label="Backups">
          {rows.map((row) => (
            <Row key={row.path} row={row} />
          ))}
        </ul>
      ) : (
        <PanelEmpty
          icon={<ArchiveRestore size={20} />}
          title="No backup yet"
          hint="A backup holds all runs with their large values and can be made at any moment."
        />
      )}
      <Text size="xs" c="dimmed">
        They are in <Code>{folder}</Code>, on the same disk. <Code>baton backup --to FOLDER</Code> puts one on
        another disk; <Code>baton restore BACKUP</Code> brings one back while Baton is closed, and puts what
        is there now aside.
      </Text>
    </Stack>
  );
}

function Row({ row }: { row: BackupRow }) {
  return (
    <li className={classes.row}>
      <span title={row.path}>
        <b>{formatExact(row.at)}</b> · {WHY[row.reason] ?? "before an update"}
      </span>
      <small>
        {row.runs.toLocaleString("en")} runs · {sizeOf(row.bytes)}
        {row.damagedArtifacts > 0 && ` · ${row.damagedArtifacts} damaged values are not in it`}
      </small>
    </li>
  );
}

const WHY: Record<string, string> = { manual: "by hand", daily: "daily" };

function sizeOf(bytes: number): string {
  return bytes < 1_000_000 ? `${Math.ceil(bytes / 1_000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
