import {
  ActionIcon,
  Button,
  Checkbox,
  Group,
  Modal,
  ScrollArea,
  Stack,
  Text,
  TextInput,
  UnstyledButton,
} from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { CornerLeftUp, File, Folder } from "lucide-react";
import { useState } from "react";
import { folderQuery } from "../backend/queries";
import type { FolderEntry } from "../bindings/FolderEntry";
import { ask } from "../state/ask";
import { usePicker } from "../state/picker";
import { PanelEmpty, PanelError, PanelSkeleton } from "./Panel";
import classes from "./PickDialog.module.css";

function folderOf(path: string | undefined): string | null {
  if (!path) return null;
  const cut = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"));
  return cut > 0 ? path.slice(0, cut) : null;
}

function nameOf(path: string): string {
  return path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
}

function join(folder: string, name: string): string {
  const separator = folder.includes("\\") && !folder.includes("/") ? "\\" : "/";
  return folder.endsWith(separator) ? folder + name : folder + separator + name;
}

/** The file dialog of the browser: folders of the machine that Baton runs on. */
export function PickDialog() {
  const request = usePicker((state) => state.request);
  return (
    <Modal
      opened={request !== null}
      onClose={() => request?.resolve(null)}
      title={request?.title}
      size="lg"
      centered
    >
      {request && <Picker key={request.title + request.mode} />}
    </Modal>
  );
}

function Picker() {
  const request = usePicker((state) => state.request);
  const [folder, setFolder] = useState<string | null>(folderOf(request?.start));
  const [name, setName] = useState(request?.start ? nameOf(request.start) : (request?.suggested ?? ""));
  const [showsAll, setShowsAll] = useState(false);
  const endings = showsAll ? [] : (request?.endings ?? []);
  const listing = useQuery(folderQuery(folder, endings));
  if (!request) return null;
  const { mode, resolve } = request;
  const entries = listing.data?.entries ?? [];

  async function choose(entry: FolderEntry | null): Promise<void> {
    if (entry?.isFolder) {
      setFolder(entry.path);
      if (mode === "open") setName("");
      return;
    }
    if (mode === "open") {
      const file = entry ?? entries.find((each) => each.name === name);
      if (file) resolve(file.path);
      else if (name.includes("/")) resolve(name);
      return;
    }
    const file = entry?.name ?? name.trim();
    if (!file || !listing.data) return;
    if (entries.some((each) => each.name === file)) {
      const answer = await ask({
        title: `Replace “${file}”?`,
        text: "A file of this name is in the folder already.",
        answers: [{ value: "replace", label: "Replace", look: "danger" }],
      });
      if (answer !== "replace") return;
    }
    resolve(file.includes("/") ? file : join(listing.data.path, file));
  }

  return (
    <Stack gap="sm">
      <Group gap="xs" wrap="nowrap">
        <ActionIcon
          aria-label="Folder above"
          variant="default"
          disabled={!listing.data?.parent}
          onClick={() => setFolder(listing.data?.parent ?? null)}
        >
          <CornerLeftUp size={16} />
        </ActionIcon>
        <Text size="sm" c="dimmed" truncate title={listing.data?.path}>
          {listing.data?.path ?? "…"}
        </Text>
      </Group>
      <ScrollArea h={300} className={classes.list}>
        {listing.isPending && <PanelSkeleton rows={6} />}
        {listing.isError && <PanelError error={listing.error} onRetry={() => void listing.refetch()} />}
        {listing.data && entries.length === 0 && (
          <PanelEmpty title="Nothing here" hint="No matching file in this folder." />
        )}
        {entries.map((entry) => (
          <UnstyledButton
            key={entry.path}
            className={classes.entry}
            data-selected={entry.name === name || undefined}
            onClick={() => (entry.isFolder ? void choose(entry) : setName(entry.name))}
            onDoubleClick={() => {
              if (!entry.isFolder) void choose(entry);
            }}
          >
            {entry.isFolder ? <Folder size={16} aria-label="Folder" /> : <File size={16} aria-hidden />}
            <span className={classes.name}>{entry.name}</span>
            {!entry.isFolder && <span className={classes.size}>{sizeText(entry.bytes)}</span>}
          </UnstyledButton>
        ))}
      </ScrollArea>
      <Group gap="xs" align="flex-end" wrap="nowrap">
        <TextInput
          label="File name"
          flex={1}
          value={name}
          data-autofocus
          onChange={(event) => setName(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter") void choose(null);
          }}
        />
        <Button disabled={name.trim() === ""} onClick={() => void choose(null)}>
          {mode === "open" ? "Open" : "Save"}
        </Button>
      </Group>
      <Checkbox
        size="xs"
        label="Show all files"
        checked={showsAll}
        onChange={(event) => setShowsAll(event.currentTarget.checked)}
      />
    </Stack>
  );
}

function sizeText(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${Math.round(bytes / 1_000)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
