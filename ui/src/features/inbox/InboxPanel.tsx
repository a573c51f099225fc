/** Everything that waits for a person. */
import { useQuery } from "@tanstack/react-query";
import { ChevronRight, CircleHelp, ClipboardPen, Inbox, Stamp } from "lucide-react";
import { type KeyboardEvent, useState } from "react";
import { inboxQuery } from "../../backend/queries";
import type { InboxItem } from "../../bindings/InboxItem";
import { PanelEmpty, PanelError, PanelFrame, PanelSkeleton } from "../../components/Panel";
import { useEditor } from "../../state/editor";
import { useRun } from "../../state/run";
import { useView } from "../../state/view";
import { splitPath } from "../runs/run-rows";
import { formatRelative } from "../runs/time";
import { useNow } from "../runs/use-now";
import classes from "./inbox.module.css";
import OutcomeCard from "./OutcomeCard";
import QuestionCard from "./QuestionCard";

const keyOf = (item: InboxItem) => `${item.run.id}/${item.step}`;

export default function InboxPanel() {
  const inbox = useQuery(inboxQuery);
  const items = inbox.data?.items ?? [];
  const [chosen, setChosen] = useState<string | null>(null);
  // The first question is open as long as nobody chose another.
  const open = items.some((item) => keyOf(item) === chosen)
    ? chosen
    : chosen === ""
      ? null
      : items[0]
        ? keyOf(items[0])
        : null;
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    const by = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    const target = event.target as HTMLElement;
    if (by === 0 || !target.matches("[data-question]")) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    const all = [...event.currentTarget.querySelectorAll<HTMLElement>("[data-question]")];
    all[all.indexOf(target) + by]?.focus();
  };
  return (
    <PanelFrame
      title="Inbox"
      testId="inbox-panel"
      actions={items.length > 0 ? <span className={classes.total}>{items.length} open</span> : undefined}
    >
      {inbox.isPending ? (
        <PanelSkeleton rows={5} />
      ) : inbox.isError ? (
        <PanelError error={inbox.error} onRetry={() => void inbox.refetch()} />
      ) : items.length === 0 ? (
        <PanelEmpty
          icon={<Inbox size={20} />}
          title="Nothing to decide"
          hint="When a run asks for an approval or for data, the question comes here."
        />
      ) : (
        <section className={classes.items} onKeyDown={onKeyDown} aria-label="Open questions">
          {items.map((item) => (
            <Item
              key={keyOf(item)}
              item={item}
              isOpen={keyOf(item) === open}
              onToggle={() => setChosen(keyOf(item) === open ? "" : keyOf(item))}
            />
          ))}
        </section>
      )}
    </PanelFrame>
  );
}

interface ItemProps {
  item: InboxItem;
  isOpen: boolean;
  onToggle: () => void;
}

function Item({ item, isOpen, onToggle }: ItemProps) {
  const now = useNow(30_000);
  const openRun = useRun((run) => run.openRun);
  const { question } = item;
  const Icon = item.isOutcome ? CircleHelp : question.kind === "form" ? ClipboardPen : Stamp;
  const showRun = async () => {
    useView.getState().setPage("editor");
    useView.getState().showPanel("bottom", "run");
    await openRun(item.run.id);
    useEditor.getState().select({ steps: [splitPath(item.step).id] });
  };
  return (
    <section className={classes.item} data-open={isOpen || undefined}>
      <button
        type="button"
        className={classes.itemHead}
        data-question
        aria-expanded={isOpen}
        onClick={onToggle}
      >
        <span className={classes.itemIcon} data-outcome={item.isOutcome || undefined}>
          <Icon size={15} aria-hidden="true" />
        </span>
        <span className={classes.itemText}>
          <b>{question.title}</b>
          <small>
            {item.run.workflowName} · run {item.run.number} ·{" "}
            {formatRelative(item.askedAt, Math.max(now, item.askedAt))}
          </small>
        </span>
        <ChevronRight
          size={14}
          className={classes.chevron}
          data-open={isOpen || undefined}
          aria-hidden="true"
        />
      </button>
      {isOpen && (
        <div className={classes.itemBody}>
          {item.isOutcome ? (
            <OutcomeCard
              run={item.run.id}
              step={item.step}
              title={question.title}
              {...(question.text ? { note: question.text } : {})}
            />
          ) : (
            <QuestionCard
              run={item.run.id}
              step={item.step}
              question={question}
              answers={item.answers}
              askedAt={item.askedAt}
            />
          )}
          <button type="button" className={classes.showRun} onClick={() => void showRun()}>
            Show the run
          </button>
        </div>
      )}
    </section>
  );
}
