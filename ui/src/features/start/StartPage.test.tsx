import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test } from "vitest";
import { BackendError } from "../../backend/backend";
import { memoryBackend, plainCheck } from "../../backend/memory";
import { newWorkflow } from "../../state/document";
import { useEditor } from "../../state/editor";
import { useView } from "../../state/view";
import { renderWith } from "../../test-render";
import { ago } from "./ago";
import { StartPage } from "./StartPage";

const sample = {
  id: "airports",
  name: "Airports",
  purpose: "Counts airports",
  tags: ["data"],
  path: "/samples/airports.baton.json",
  steps: 4,
  svg: "<svg xmlns='http://www.w3.org/2000/svg'/>",
};

beforeEach(() => {
  useEditor.getState().close();
  useView.setState({ page: "start" });
});

test("welcomes a person who has no files yet", async () => {
  renderWith(memoryBackend(), <StartPage />);
  expect(await screen.findByText(/Files you open or save appear here/)).toBeDefined();
  expect(screen.getByTestId("new-workflow")).toBeDefined();
});

test("opens a sample", async () => {
  const doc = newWorkflow("Airports");
  const backend = memoryBackend({ sample_list: () => ({ samples: [sample] }) }).given(
    "workflow_open",
    ({ path }) => ({
      document: doc,
      path,
      revision: "r",
      readOnly: null,
      check: plainCheck(doc),
      draft: null,
      trust: { trusted: true, effects: [] },
    }),
  );
  renderWith(backend, <StartPage />);
  const card = await screen.findByTestId("sample-airports");
  expect(card.querySelector("img")?.src).toMatch(/^data:image\/svg\+xml/);
  await userEvent.click(card);
  await waitFor(() => expect(useView.getState().page).toBe("editor"));
  expect(backend.requests("workflow_open")).toEqual([{ path: sample.path }]);
});

test("offers edits that were never saved", async () => {
  const document = newWorkflow("Lost");
  const backend = memoryBackend({
    draft_list: () => ({ drafts: [{ key: "untitled:1", document, at: Date.now(), base: null }] }),
  });
  renderWith(backend, <StartPage />);
  await userEvent.click(await screen.findByTestId("draft-open"));
  expect(useEditor.getState().doc?.name).toBe("Lost");
});

test("works while a list cannot be read, and says why", async () => {
  const backend = memoryBackend({
    sample_list: () => {
      throw new BackendError({ code: "io", message: "the folder of samples is gone" });
    },
  });
  renderWith(backend, <StartPage />);
  expect(await screen.findByText("The folder of samples is gone")).toBeDefined();
  expect(screen.getByTestId("new-workflow")).toBeDefined();
});

test("says how long ago something was", () => {
  const now = 1_000_000_000_000;
  expect(ago(now - 5_000, now)).toBe("just now");
  expect(ago(now - 2 * 3_600_000, now)).toBe("2 hours ago");
  expect(ago(now - 26 * 3_600_000, now)).toBe("yesterday");
});
