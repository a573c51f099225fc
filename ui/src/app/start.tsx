import type { Root } from "react-dom/client";
import { type Backend, BackendError, getBackend, setBackend } from "../backend/backend";
import { createQueryClient } from "../backend/queries";
import { openPath } from "../state/files";
import { rememberOpen, reopenLast } from "../state/reopen";
import { useRights } from "../state/rights";
import { useSettings } from "../state/settings";
import { useTargets } from "../state/targets";
import { App } from "./App";
import { FullPage } from "./FullPage";
import { SignInPage } from "./SignInPage";

/** Where the app runs decides how it talks to Rust. */
async function chooseBackend(onSessionLost: (isForUsers: boolean) => void): Promise<Backend> {
  if ("__TAURI_INTERNALS__" in window) return (await import("../backend/tauri")).tauriBackend();
  // A build holds no such branch: the condition is false there, and the file is left out.
  if (import.meta.env.DEV && new URLSearchParams(location.search).has("memory")) {
    return (await import("../backend/demo")).demoBackend();
  }
  return await (await import("../backend/http")).httpBackend({ onSessionLost });
}

/** Asks a user of a server for their token, then starts the app. */
function askForToken(root: Root, reason?: string): void {
  root.render(
    <SignInPage
      key={Date.now()}
      reason={reason}
      signIn={async (token) => {
        await (await import("../backend/http")).signIn(token);
        await start(root);
      }}
    />,
  );
}

/** Starts the app in `root`. */
export async function start(root: Root): Promise<void> {
  const client = createQueryClient();
  const lost = (isForUsers: boolean) => {
    if (isForUsers) {
      askForToken(root, "You are signed out. What you edited until now is kept as a draft.");
      return;
    }
    root.render(
      <FullPage
        title="This page is no longer connected"
        text="The session is over: Baton was restarted, or this page was opened without its start link. What you edited until now is kept as a draft."
        hint="Start Baton again (`baton serve` prints a fresh link) and open the link it gives."
      />,
    );
  };
  try {
    setBackend(await chooseBackend(lost));
  } catch (thrown) {
    const http = await import("../backend/http");
    if (thrown instanceof http.SignInNeeded) askForToken(root);
    else if (thrown instanceof BackendError) askForToken(root, thrown.message);
    else {
      console.error("no backend", thrown);
      lost(false);
    }
    return;
  }
  try {
    await useRights.getState().load();
  } catch (thrown) {
    // A session that is over shows the page that says so; anything else shows in the app itself.
    console.info("it is not known who looks at this page", thrown);
  }
  await useSettings.getState().loadSettings();
  await useTargets.getState().takeUp();
  root.render(<App client={client} />);
  getBackend().onOpenFile?.((path) => void openPath(path));
  const named = new URLSearchParams(location.search).get("open");
  if (named) await openPath(named);
  else await reopenLast();
  rememberOpen();
}
