/** Any value that a step took or gave. */
import { ActionIcon, Alert, Breadcrumbs, Button, Loader, Tooltip, UnstyledButton } from "@mantine/core";
import { queryOptions, useQuery } from "@tanstack/react-query";
import { Copy, Download } from "lucide-react";
import { useState } from "react";
import { toBackendError } from "../../backend/backend";
import { callAt } from "../../backend/call";
import { keys } from "../../backend/queries";
import type { BlobRef } from "../../bindings/BlobRef";
import { useWhere } from "../../state/where";
import { copyText } from "./copy";
import classes from "./data.module.css";
import JsonTree from "./JsonTree";
import { clip, formatBytes, shownAs } from "./kind-of-value";
import TableView from "./TableView";

interface DataViewProps {
  value: unknown;
  /** What it is, for screen readers and as the root of the trail. */
  label: string;
  /** Said when there is nothing. */
  empty?: string;
  isCompact?: boolean;
}

interface Opened {
  path: string;
  value: unknown;
}

export default function ValueView({ value, label, empty = "No value", isCompact = false }: DataViewProps) {
  const [root, setRoot] = useState(value);
  const [trail, setTrail] = useState<Opened[]>([]);
  if (root !== value) {
    setRoot(value);
    setTrail([]);
  }
  const top = trail.at(-1);
  const body = (
    <Shown
      value={top ? top.value : value}
      label={top ? `${label}: ${top.path}` : label}
      empty={empty}
      isCompact={isCompact}
      onOpen={(path, opened) => setTrail([...trail, { path, value: opened }])}
    />
  );
  return (
    <div className={classes.view} data-compact={isCompact || undefined}>
      {trail.length > 0 && (
        <Breadcrumbs className={classes.trail ?? ""} separatorMargin={6}>
          <UnstyledButton className={classes.crumb ?? ""} onClick={() => setTrail([])}>
            {label}
          </UnstyledButton>
          {trail.map((step, index) => (
            <UnstyledButton
              key={step.path}
              className={classes.crumb ?? ""}
              onClick={() => setTrail(trail.slice(0, index + 1))}
            >
              {step.path}
            </UnstyledButton>
          ))}
        </Breadcrumbs>
      )}
      {body}
    </div>
  );
}

interface ShownProps {
  value: unknown;
  label: string;
  empty: string;
  isCompact: boolean;
  onOpen: (path: string, value: unknown) => void;
}

function Shown({ value, label, empty, isCompact, onOpen }: ShownProps) {
  const shown = shownAs(value);
  switch (shown.as) {
    case "nothing":
      return <div className={classes.quiet}>{empty}</div>;
    case "table":
      return <TableView key={shown.table.artifact} table={shown.table} label={label} />;
    case "blob":
      return <BlobView key={shown.blob.artifact} blob={shown.blob} label={label} />;
    case "tree":
      return <JsonTree value={shown.value} label={label} onOpen={onOpen} isCompact={isCompact} />;
    case "text":
      return <TextView text={shown.text} isCompact={isCompact} />;
  }
}

function TextView({ text, isCompact }: { text: string; isCompact: boolean }) {
  return (
    <div className={classes.pane} data-compact={isCompact || undefined}>
      {!isCompact && (
        <div className={classes.bar}>
          <span className={classes.count}>{text.length.toLocaleString("en")} characters</span>
          <span className={classes.spacer} />
          <Tooltip label="Copy the text">
            <ActionIcon
              variant="subtle"
              color="gray"
              size="sm"
              aria-label="Copy the text"
              onClick={() => copyText(text, "Text copied")}
            >
              <Copy size={14} />
            </ActionIcon>
          </Tooltip>
        </div>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard. */}
      <pre className={classes.text} tabIndex={0}>
        {clip(text, 200_000)}
      </pre>
    </div>
  );
}

/** The beginning at once; the whole only when it is asked for. */
function BlobView({ blob, label }: { blob: BlobRef; label: string }) {
  const where = useWhere();
  const [isWanted, setWanted] = useState(false);
  const whole = useQuery(
    queryOptions({
      queryKey: keys.blob(where, blob.artifact),
      queryFn: () => callAt(where, "blob_get", { artifact: blob.artifact }),
      enabled: isWanted,
      gcTime: 30_000,
    }),
  );
  if (whole.data) {
    return <ValueView value={whole.data.value} label={label} />;
  }
  return (
    <div className={classes.pane}>
      <div className={classes.bar}>
        <span className={classes.count}>Large value, {formatBytes(blob.bytes)}. This is its beginning.</span>
        <span className={classes.spacer} />
        {whole.isFetching ? (
          <Loader size={13} aria-label="Reading the value" />
        ) : (
          <Button
            size="compact-xs"
            variant="light"
            leftSection={<Download size={13} />}
            onClick={() => (isWanted ? void whole.refetch() : setWanted(true))}
          >
            Show all of it
          </Button>
        )}
      </div>
      {whole.error && (
        <Alert color="red" variant="light" title="The value cannot be read" m="xs">
          {toBackendError(whole.error).message}
        </Alert>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard. */}
      <pre className={classes.text} tabIndex={0}>
        {blob.preview}…
      </pre>
    </div>
  );
}
