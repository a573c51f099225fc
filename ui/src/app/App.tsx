import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { type QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { useEffect } from "react";
import { AskDialog } from "../components/AskDialog";
import { PickDialog } from "../components/PickDialog";
import { BackupsDialog } from "../features/keeping/BackupsDialog";
import { StartPage } from "../features/start/StartPage";
import { LimitsDialog } from "../features/system/LimitsDialog";
import { SafeModeDialog } from "../features/system/SafeModeDialog";
import { TargetsDialog } from "../features/targets/TargetsDialog";
import { WebhooksDialog } from "../features/webhooks/WebhooksDialog";
import { useSettings } from "../state/settings";
import { watchTargetProblems } from "../state/target-problems";
import { useView } from "../state/view";
import { watchTargets } from "../state/watch-targets";
import { theme } from "../theme/theme";
import { CommandPalette } from "./CommandPalette";
import { ErrorBoundary } from "./ErrorBoundary";
import { listenToBackend } from "./events";
import { guardClosing } from "./guard";
import { HelpDialog } from "./HelpDialog";
import { Shell } from "./Shell";
import { useCommandKeys } from "./use-command-keys";

/** The whole app. */
export function App({ client }: { client: QueryClient }) {
  const scheme = useSettings((settings) => settings.theme);
  useEffect(() => listenToBackend(client), [client]);
  useEffect(() => watchTargets(client), [client]);
  useEffect(() => watchTargetProblems(), []);
  useEffect(() => guardClosing(), []);
  return (
    <QueryClientProvider client={client}>
      <MantineProvider
        theme={theme}
        defaultColorScheme="auto"
        {...(scheme === "system" ? {} : { forceColorScheme: scheme })}
      >
        <ErrorBoundary what="Baton">
          <Page />
        </ErrorBoundary>
        <Notifications position="bottom-right" limit={4} />
      </MantineProvider>
    </QueryClientProvider>
  );
}

function Page() {
  const page = useView((view) => view.page);
  useCommandKeys();
  return (
    <>
      {page === "start" ? <StartPage /> : <Shell />}
      <CommandPalette />
      <HelpDialog />
      <BackupsDialog />
      <PickDialog />
      <LimitsDialog />
      <SafeModeDialog />
      <WebhooksDialog />
      <TargetsDialog />
      <AskDialog />
    </>
  );
}
