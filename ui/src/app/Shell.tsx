import { lazy, Suspense, useEffect, useState } from "react";
import { Group, Panel, Separator } from "react-resizable-panels";
import { PanelSkeleton, TitleIsOnTab } from "../components/Panel";
import { Canvas } from "../features/canvas/Canvas";
import { ConnectDialog } from "../features/canvas/ConnectDialog";
import { listenToClipboard } from "../features/canvas/commands/clipboard";
import { RunBanner } from "../features/canvas/RunBanner";
import { Ghost } from "../features/palette/Ghost";
import { SystemBanners } from "../features/system/SystemBanners";
import { Banners } from "../features/toolbar/Banners";
import { Header } from "../features/toolbar/Header";
import { StatusBar } from "../features/toolbar/StatusBar";
import { useSettings } from "../state/settings";
import { useView } from "../state/view";
import { BottomTabs } from "./BottomTabs";
import { ErrorBoundary } from "./ErrorBoundary";
import { type Area, panels } from "./panels";
import classes from "./Shell.module.css";

const StartRunDialog = lazy(() => import("../features/runs/StartRunDialog"));
const TrustDialog = lazy(() => import("../features/runs/TrustDialog"));

function AreaPanel({ area }: { area: Area }) {
  const id = useView((view) => view[area]);
  const panel = panels.find((each) => each.id === id);
  if (!panel) return null;
  const Content = panel.component;
  return (
    <ErrorBoundary key={panel.id} what={panel.title}>
      <Suspense fallback={<PanelSkeleton />}>
        <Content />
      </Suspense>
    </ErrorBoundary>
  );
}

/** Sizes that were dragged, kept with the settings. */
function useLayoutOf(group: string) {
  const [layout] = useState(() => useSettings.getState().panels[group] as Record<string, number> | undefined);
  return {
    ...(layout ? { defaultLayout: layout } : {}),
    onLayoutChanged(next: Record<string, number>) {
      const { panels: known, change } = useSettings.getState();
      if (JSON.stringify(known[group]) !== JSON.stringify(next))
        change({ panels: { ...known, [group]: next } });
    },
  };
}

/** The editor: header, palette, canvas with the panels below it, inspector, status bar. */
export function Shell() {
  const hasLeft = useView((view) => view.left !== null);
  const hasRight = useView((view) => view.right !== null);
  const hasBottom = useView((view) => view.bottom !== null);
  const dialog = useView((view) => view.dialog);
  const closeDialog = useView((view) => view.closeDialog);
  const columns = useLayoutOf(`columns${hasLeft ? "L" : ""}${hasRight ? "R" : ""}`);
  const rows = useLayoutOf("rows");
  useEffect(() => listenToClipboard(), []);
  return (
    <div className={classes.shell}>
      <Header />
      <SystemBanners />
      <Banners />
      <Group key={`${hasLeft}${hasRight}`} orientation="horizontal" className={classes.main} {...columns}>
        {hasLeft && (
          <>
            <Panel
              id="left"
              defaultSize={232}
              minSize={180}
              maxSize={380}
              groupResizeBehavior="preserve-pixel-size"
            >
              <AreaPanel area="left" />
            </Panel>
            <Separator className={classes.separator} aria-label="Width of the steps" />
          </>
        )}
        <Panel id="middle" minSize={320}>
          <div className={classes.middle}>
            <Group
              key={String(hasBottom)}
              orientation="vertical"
              className={classes.rows}
              {...(hasBottom ? rows : {})}
            >
              <Panel id="canvas" minSize={160}>
                <div className={classes.canvas}>
                  <ErrorBoundary what="The canvas">
                    <Canvas />
                  </ErrorBoundary>
                  <RunBanner />
                </div>
              </Panel>
              {hasBottom && (
                <>
                  <Separator className={classes.separatorDown} aria-label="Height of the panels" />
                  <Panel
                    id="bottom"
                    defaultSize={260}
                    minSize={120}
                    groupResizeBehavior="preserve-pixel-size"
                  >
                    <div className={classes.bottom}>
                      <BottomTabs />
                      <div id="bottom-panel" className={classes.content}>
                        <TitleIsOnTab value={true}>
                          <AreaPanel area="bottom" />
                        </TitleIsOnTab>
                      </div>
                    </div>
                  </Panel>
                </>
              )}
            </Group>
            {!hasBottom && <BottomTabs />}
          </div>
        </Panel>
        {hasRight && (
          <>
            <Separator className={classes.separator} aria-label="Width of the inspector" />
            <Panel
              id="right"
              defaultSize={340}
              minSize={260}
              maxSize={640}
              groupResizeBehavior="preserve-pixel-size"
            >
              <AreaPanel area="right" />
            </Panel>
          </>
        )}
      </Group>
      <StatusBar />
      <Ghost />
      <ConnectDialog />
      <Suspense>
        <StartRunDialog opened={dialog === "start-run"} onClose={closeDialog} />
        <TrustDialog />
      </Suspense>
    </div>
  );
}
