import { fireEvent, screen, waitFor } from "@testing-library/react";
import { beforeAll, describe, expect, it } from "vitest";
import { BackendError } from "../../backend/backend";
import { memoryBackend } from "../../backend/memory";
import type { InboxItem } from "../../bindings/InboxItem";
import { renderWith } from "../../test-render";
import { pretendLayout } from "../data/test-layout";
import InboxPanel from "./InboxPanel";

const item = (step: string, more: Partial<InboxItem> = {}): InboxItem => ({
  run: {
    id: "r1",
    number: 41,
    workflow: "churn",
    workflowName: "Churn",
    digest: "d",
    status: "waiting",
    startedAt: 0,
    seq: 9,
    stepsDone: 1,
    stepsTotal: 2,
    waitingFor: [],
  },
  step,
  question: {
    kind: "approval",
    title: `Approve ${step}`,
    text: "Send the offers?",
    to: ["ada"],
    evidence: { customers: 126, detail: { rules: "all held" } },
    evidenceDigest: "seen",
    quorum: 1,
  },
  askedAt: Date.now() - 60_000,
  answers: [],
  isOutcome: false,
  ...more,
});

function inbox(items: InboxItem[]) {
  return memoryBackend({
    inbox_list: () => ({ items }),
    approval_decide: () => ({}),
    run_settle: () => ({}),
  });
}

beforeAll(() => pretendLayout());

describe("InboxPanel", () => {
  it("says that nothing is to be decided", async () => {
    renderWith(inbox([]), <InboxPanel />);
    expect(await screen.findByText("Nothing to decide")).toBeDefined();
  });

  it("shows the evidence and binds the answer to it", async () => {
    const backend = inbox([item("offer")]);
    renderWith(backend, <InboxPanel />);
    expect((await screen.findByTestId("evidence")).textContent).toContain("Customers126");
    expect(screen.getByText('"all held"')).toBeDefined();
    fireEvent.change(screen.getByTestId("comment-offer"), { target: { value: " too many " } });
    fireEvent.click(screen.getByTestId("reject-offer"));
    await waitFor(() =>
      expect(backend.requests("approval_decide")).toEqual([
        {
          run: "r1",
          step: "offer",
          decision: "rejected",
          data: null,
          evidenceDigest: "seen",
          comment: "too many",
        },
      ]),
    );
    // The list is read again, so that the answered question goes away.
    await waitFor(() => expect(backend.requests("inbox_list").length).toBeGreaterThan(1));
  });

  it("keeps the question when the answer is not taken", async () => {
    const backend = inbox([item("offer")]).given("approval_decide", () => {
      throw new BackendError({ code: "conflict", message: "the evidence has changed" });
    });
    renderWith(backend, <InboxPanel />);
    fireEvent.click(await screen.findByTestId("approve-offer"));
    await waitFor(() => expect(screen.getByTestId<HTMLButtonElement>("approve-offer").disabled).toBe(false));
  });

  it("asks for the data of a form, and sends it once it is complete", async () => {
    const form = item("ask", {});
    form.question = {
      ...form.question,
      kind: "form",
      schema: { type: "object", required: ["campaign"], properties: { campaign: { type: "string" } } },
    };
    const backend = inbox([form]);
    renderWith(backend, <InboxPanel />);
    fireEvent.click(await screen.findByTestId("submit-ask"));
    expect(screen.getByText("This is needed")).toBeDefined();
    expect(backend.requests("approval_decide")).toEqual([]);
    fireEvent.change(screen.getByTestId("input-campaign"), { target: { value: "spring" } });
    fireEvent.click(screen.getByTestId("submit-ask"));
    await waitFor(() =>
      expect(backend.requests("approval_decide")[0]).toMatchObject({
        decision: "submitted",
        data: { campaign: "spring" },
      }),
    );
  });

  it("asks what became of a step with unknown outcome", async () => {
    const backend = inbox([item("pay", { isOutcome: true })]);
    renderWith(backend, <InboxPanel />);
    fireEvent.click(await screen.findByTestId("settle-not-done-pay"));
    await waitFor(() =>
      expect(backend.requests("run_settle")).toEqual([
        { run: "r1", step: "pay", answer: { type: "not-done" } },
      ]),
    );
  });

  it("opens another question by keyboard", async () => {
    renderWith(inbox([item("one"), item("two")]), <InboxPanel />);
    const first = await screen.findByTestId("inbox-41-one");
    first.focus();
    fireEvent.keyDown(first, { key: "ArrowDown" });
    expect(await screen.findByTestId("approve-two")).toBeDefined();
  });
});
