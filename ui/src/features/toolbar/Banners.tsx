import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { CircleAlert, FileWarning, History, Lock } from "lucide-react";
import type { ReactNode } from "react";
import { appInfoQuery } from "../../backend/queries";
import { sentence } from "../../components/Panel";
import { useEditor } from "../../state/editor";
import { discardRecovered, keepRecovered, reload, saveAs } from "../../state/files";
import { useView } from "../../state/view";
import classes from "./toolbar.module.css";

function Banner({
  tone,
  icon,
  children,
}: {
  tone?: "warning" | "failed";
  icon: ReactNode;
  children: ReactNode;
}) {
  return (
    <div className={classes.banner} data-tone={tone} role="status">
      {icon}
      {children}
    </div>
  );
}

/** What has to be known about the document before anything is done with it. */
export function Banners() {
  const recovered = useEditor((editor) => editor.recovered);
  const readOnly = useEditor((editor) => editor.readOnly);
  const changedOnDisk = useEditor((editor) => editor.changedOnDisk);
  const journal = useEditor((editor) => editor.journal);
  const flush = useEditor((editor) => editor.flush);
  const { data: app } = useQuery(appInfoQuery);
  return (
    <>
      {app?.readOnly && (
        <Banner tone="warning" icon={<Lock size={16} aria-hidden />}>
          <span>Nothing can be run or kept here: {app.readOnly}</span>
          <Button
            size="compact-sm"
            variant="default"
            onClick={() => useView.getState().openDialog("backups")}
          >
            What to do
          </Button>
        </Banner>
      )}
      {readOnly !== null && (
        <Banner tone="warning" icon={<Lock size={16} aria-hidden />}>
          <span>This workflow can only be looked at: {readOnly}</span>
          <Button size="compact-sm" variant="default" onClick={() => void saveAs()}>
            Save a copy…
          </Button>
        </Banner>
      )}
      {recovered && (
        <Banner icon={<History size={16} aria-hidden />}>
          <span>
            Recovered edits from <strong>{timeOf(recovered.at)}</strong>. They were not saved when Baton last
            stopped.
          </span>
          <Button size="compact-sm" onClick={keepRecovered} data-testid="recovered-keep">
            Keep them
          </Button>
          <Button
            size="compact-sm"
            variant="subtle"
            color="gray"
            onClick={() => void discardRecovered()}
            data-testid="recovered-discard"
          >
            Discard
          </Button>
        </Banner>
      )}
      {changedOnDisk && (
        <Banner tone="warning" icon={<FileWarning size={16} aria-hidden />}>
          <span>Another program has changed this file. You have edits that are not in it.</span>
          <Button size="compact-sm" variant="default" onClick={() => void reload()}>
            Reload the file
          </Button>
          <Button
            size="compact-sm"
            variant="subtle"
            color="gray"
            onClick={() => useEditor.getState().setChangedOnDisk(false)}
          >
            Go on with mine
          </Button>
        </Banner>
      )}
      {journal === "failed" && (
        <Banner tone="failed" icon={<CircleAlert size={16} aria-hidden />}>
          <span>{sentence("your edits are only in this window: the journal could not be written.")}</span>
          <Button size="compact-sm" variant="default" onClick={() => void flush()}>
            Try again
          </Button>
        </Banner>
      )}
    </>
  );
}

/** `10:42` today, else with the day. */
function timeOf(at: number): string {
  const date = new Date(at);
  const time = date.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
  return date.toDateString() === new Date().toDateString() ? time : `${date.toLocaleDateString()} ${time}`;
}
