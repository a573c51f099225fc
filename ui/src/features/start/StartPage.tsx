import {
  ActionIcon,
  Anchor,
  Button,
  Group,
  Skeleton,
  Stack,
  Text,
  Title,
  Tooltip,
  UnstyledButton,
} from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import {
  FileClock,
  FilePlus2,
  FolderOpen,
  History,
  Play,
  Trash2,
  Workflow as WorkflowIcon,
  X,
} from "lucide-react";
import { call } from "../../backend/call";
import { appInfoQuery, draftQuery, keys, recentQuery, sampleQuery } from "../../backend/queries";
import type { Draft } from "../../bindings/Draft";
import { Mark } from "../../components/Mark";
import { PanelError } from "../../components/Panel";
import { ask } from "../../state/ask";
import { createWorkflow, openDraft, openPath, openWithDialog } from "../../state/files";
import { useRights, useWhyNot } from "../../state/rights";
import { tellError } from "../../state/tell";
import { useView } from "../../state/view";
import { SystemBanners } from "../system/SystemBanners";
import { SettingsMenu, ThemeButton } from "../toolbar/Header";
import { UserMenu } from "../toolbar/UserMenu";
import { ago } from "./ago";
import { ByItself } from "./ByItself";
import { Kept } from "./Kept";
import { SampleCard } from "./SampleCard";
import classes from "./StartPage.module.css";

/** Where everything begins: a sample to look at, a file to go on with, or an empty canvas. */
export function StartPage() {
  const { data: app } = useQuery(appInfoQuery);
  const isTeam = useRights((rights) => rights.user !== null);
  const whyNotNew = useWhyNot("draft_put");
  const whyNotBackups = useWhyNot("backup_list");
  const whyNotOpen = useWhyNot("folder_list");
  return (
    <div className={classes.page} data-testid="start-page">
      <SystemBanners />
      <header className={classes.top}>
        <Mark size={30} />
        <span className={classes.brand}>Baton</span>
        <span style={{ flex: 1 }} />
        <UserMenu />
        <ThemeButton />
        <SettingsMenu />
      </header>
      <main className={classes.main}>
        <section className={classes.hero}>
          <div>
            <Title order={1} className={classes.title}>
              Draw it, prove it, run it.
            </Title>
            <Text c="dimmed" size="lg" maw={560}>
              A workflow conducts tasks, systems and people: in the right order, with a path for every
              exception and a record of everything that happened. It all stays on{" "}
              {isTeam ? "this server" : "this machine"}.
            </Text>
          </div>
          <Group gap="sm" wrap="nowrap">
            <Button
              size="md"
              leftSection={<FilePlus2 size={18} />}
              data-testid="new-workflow"
              disabled={whyNotNew !== null}
              title={whyNotNew ?? undefined}
              onClick={() => void createWorkflow()}
            >
              New workflow
            </Button>
            <Button
              size="md"
              variant="default"
              leftSection={<FolderOpen size={18} />}
              data-testid="open-file"
              disabled={whyNotOpen !== null}
              title={whyNotOpen ?? undefined}
              onClick={() => void openWithDialog()}
            >
              Open…
            </Button>
          </Group>
        </section>
        <Drafts />
        <div className={classes.columns}>
          <Samples />
          <div className={classes.aside}>
            <Kept />
            <ByItself />
            <Recent />
          </div>
        </div>
      </main>
      <footer className={classes.foot}>
        <span>{app && `Baton ${app.version}`}</span>
        <span>
          {app && `Runs and settings are kept in ${app.dataDir}`}
          {" · "}
          <Anchor
            component="button"
            size="xs"
            data-testid="open-backups"
            disabled={whyNotBackups !== null}
            title={whyNotBackups ?? undefined}
            onClick={() => useView.getState().openDialog("backups")}
          >
            Backups
          </Anchor>
        </span>
      </footer>
    </div>
  );
}

function Samples() {
  const samples = useQuery(sampleQuery);
  return (
    <section aria-labelledby="samples">
      <Title order={2} id="samples" className={classes.heading}>
        <Play size={16} aria-hidden /> Start from a sample
      </Title>
      {samples.isError && <PanelError error={samples.error} onRetry={() => void samples.refetch()} />}
      <div className={classes.samples}>
        {samples.isPending &&
          [1, 2, 3, 4].map((each) => (
            <Skeleton key={each} height={228} radius="lg" role="status" aria-label="Loading samples" />
          ))}
        {samples.data?.samples.map((sample) => (
          <SampleCard key={sample.id} sample={sample} />
        ))}
      </div>
      {samples.data?.samples.length === 0 && <Text c="dimmed">No samples are installed.</Text>}
    </section>
  );
}

function Recent() {
  const client = useQueryClient();
  const recent = useQuery({ ...recentQuery, refetchOnMount: "always" });
  const files = recent.data?.files ?? [];

  async function forget(path: string): Promise<void> {
    try {
      await call("recent_forget", { path });
      await client.invalidateQueries({ queryKey: keys.recent });
    } catch (thrown) {
      tellError("The file is still on the list", thrown);
    }
  }

  return (
    <section aria-labelledby="recent" className={classes.recent}>
      <Title order={2} id="recent" className={classes.heading}>
        <History size={16} aria-hidden /> Recent files
      </Title>
      {recent.isError && <PanelError error={recent.error} onRetry={() => void recent.refetch()} />}
      {recent.isSuccess && files.length === 0 && (
        <Stack className={classes.nothing} gap={6} align="flex-start">
          <FileClock size={22} strokeWidth={1.6} aria-hidden />
          <Text size="sm" fw={550}>
            Files you open or save appear here.
          </Text>
          <Text size="sm" c="dimmed">
            New to Baton? Open the first sample and press Run: it is simple, and nothing can break. Or start
            with{" "}
            <Anchor component="button" size="sm" onClick={() => void createWorkflow()}>
              an empty canvas
            </Anchor>
            .
          </Text>
        </Stack>
      )}
      <ul className={classes.files}>
        {files.map((file) => (
          <li key={file.path} className={classes.file}>
            <UnstyledButton
              className={classes.fileButton}
              disabled={!file.exists}
              data-testid="recent-file"
              onClick={() => void openPath(file.path)}
            >
              <WorkflowIcon size={17} color="var(--bt-accent-text)" aria-hidden />
              <span className={classes.fileWords}>
                <span className={classes.fileName}>{file.name}</span>
                <span className={classes.filePath} title={file.path}>
                  {file.exists ? file.path : `No longer there: ${file.path}`}
                </span>
              </span>
              <span className={classes.ago}>{ago(file.at)}</span>
            </UnstyledButton>
            <Tooltip label="Take off the list">
              <ActionIcon
                className={classes.forget}
                aria-label={`Take ${file.name} off the list`}
                onClick={() => void forget(file.path)}
              >
                <X size={15} />
              </ActionIcon>
            </Tooltip>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Drafts() {
  const client = useQueryClient();
  const mayEdit = useWhyNot("draft_list") === null;
  const { data } = useQuery({ ...draftQuery, refetchOnMount: "always", enabled: mayEdit });
  const drafts = data?.drafts ?? [];
  if (drafts.length === 0) return null;

  async function discard(draft: Draft): Promise<void> {
    const answer = await ask({
      title: `Discard the edits of “${draft.document.name}”?`,
      text: "They were never saved to a file. This cannot be undone.",
      answers: [{ value: "discard", label: "Discard", look: "danger" }],
    });
    if (answer !== "discard") return;
    try {
      await call("draft_discard", { key: draft.key });
      await client.invalidateQueries({ queryKey: keys.drafts });
    } catch (thrown) {
      tellError("The edits are still there", thrown);
    }
  }

  return (
    <section className={classes.drafts} aria-labelledby="drafts">
      <Title order={2} id="drafts" className={classes.heading}>
        <FileClock size={16} aria-hidden /> Edits that are not saved yet
      </Title>
      {drafts.map((draft) => (
        <Group key={draft.key} gap="sm" wrap="nowrap" className={classes.draft}>
          <span className={classes.fileWords}>
            <span className={classes.fileName}>{draft.document.name}</span>
            <span className={classes.filePath}>
              {draft.key.startsWith("untitled:") ? "Not saved to a file" : draft.key} · edited {ago(draft.at)}
            </span>
          </span>
          <Button size="compact-sm" onClick={() => void openDraft(draft)} data-testid="draft-open">
            Go on
          </Button>
          <ActionIcon
            aria-label={`Discard the edits of ${draft.document.name}`}
            onClick={() => void discard(draft)}
          >
            <Trash2 size={15} />
          </ActionIcon>
        </Group>
      ))}
    </section>
  );
}
