/** What has to be known about Baton itself: little room on the disk, safe mode. */
import { ActionIcon, Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { HardDrive, ShieldAlert, X } from "lucide-react";
import { diskQuery, safeModeQuery } from "../../backend/queries";
import type { DiskView } from "../../bindings/DiskView";
import type { SafeModeView } from "../../bindings/SafeModeView";
import { sentence } from "../../components/Panel";
import { useSystem } from "../../state/system";
import { formatBytes } from "../runs/budget-words";
import classes from "./system.module.css";
import { useLeaveSafeMode } from "./use-leave-safe-mode";

export function SystemBanners() {
  const { data: disk } = useQuery(diskQuery);
  const { data: safeMode } = useQuery(safeModeQuery);
  const isLowHidden = useSystem((system) => system.isLowHidden);
  return (
    <>
      {safeMode?.isActive && <SafeModeBanner view={safeMode} />}
      {disk && disk.level !== "ample" && !(disk.level === "low" && isLowHidden) && <DiskBanner disk={disk} />}
    </>
  );
}

function SafeModeBanner({ view }: { view: SafeModeView }) {
  const { leave, isBusy } = useLeaveSafeMode();
  const show = useSystem((system) => system.show);
  const aside = view.quarantined.length;
  return (
    <div className={classes.banner} data-tone="failed" role="alert" data-testid="safe-mode-banner">
      <ShieldAlert size={16} aria-hidden />
      <span className={classes.words}>
        <b>Safe mode.</b> {sentence(view.reason ?? "")}. Nothing goes on by itself: no open run, no trigger
        {aside > 0 && `; ${aside === 1 ? "one run is" : `${aside} runs are`} set aside`}.
      </span>
      <Button
        size="compact-sm"
        variant="default"
        onClick={() => show("safe-mode")}
        data-testid="safe-mode-details"
      >
        What happened
      </Button>
      <Button size="compact-sm" disabled={isBusy} onClick={() => void leave()} data-testid="safe-mode-leave">
        Leave safe mode
      </Button>
    </div>
  );
}

const DISK_WORDS: Record<Exclude<DiskView["level"], "ample">, { title: string; words: string }> = {
  low: { title: "The disk is getting full.", words: "Runs still go on." },
  paused: {
    title: "The disk is nearly full.",
    words: "No step starts until there is room; runs then go on by themselves.",
  },
  readOnly: {
    title: "The disk is full.",
    words:
      "Nothing new starts, and what is under way is still written. Runs go on by themselves once there is room.",
  },
};

function DiskBanner({ disk }: { disk: DiskView }) {
  const show = useSystem((system) => system.show);
  const hideLow = useSystem((system) => system.hideLow);
  if (disk.level === "ample") return null;
  const { title, words } = DISK_WORDS[disk.level];
  return (
    <div
      className={classes.banner}
      data-tone={disk.level === "readOnly" ? "failed" : "warning"}
      role={disk.level === "low" ? "status" : "alert"}
      data-testid="disk-banner"
      data-level={disk.level}
    >
      <HardDrive size={16} aria-hidden />
      <span className={classes.words}>
        <b>{title}</b> {disk.free !== undefined && `${formatBytes(disk.free)} are free for `}
        <code>{disk.dir}</code>. {words} Free some space on this disk.
      </span>
      <Button size="compact-sm" variant="default" onClick={() => show("limits")}>
        Limits…
      </Button>
      {disk.level === "low" && (
        <ActionIcon aria-label="Hide this until the next start" onClick={hideLow} data-testid="disk-hide">
          <X size={15} />
        </ActionIcon>
      )}
    </div>
  );
}
