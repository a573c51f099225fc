/** Everything that waits for a person. */
import { useQuery } from "@tanstack/react-query";
import { ArrowRight, CircleHelp, ClipboardPen, Inbox, Stamp } from "lucide-react";
import { type KeyboardEvent, useState } from "react";
import { inboxQuery } from "../../backend/queries";
import type { InboxItem } from "../../bindings/InboxItem";
import { PanelEmpty, PanelError, PanelSkeleton } from "../../components/Panel";
import { useEditor } from "../../state/editor";
import { runName, useRun } from "../../state/run";
import { useTargets } from "../../state/targets";
import { useView } from "../../state/view";
import { useWhere, Where } from "../../state/where";
import { splitPath } from "../runs/run-rows";
import { formatRelative } from "../runs/time";
import { useNow } from "../runs/use-now";
import { PlaceLine } from "../targets/PlaceLine";
import { WaitsHere } from "../targets/WaitsHere";
import classes from "./inbox.module.css";
import OutcomeCard from "./OutcomeCard";
import QuestionCard from "./QuestionCard";

const keyOf = (item: InboxItem) => `${item.run.id}/${item.step}`;

/** Questions of the chosen target. Another one starts anew, so that nothing that was typed goes to the wrong place. */
export default function InboxPanel() {
  const chosen = useTargets((targets) => targets.chosen);
  return (
    <Where.Provider value={chosen} key={chosen}>
      <Questions />
    </Where.Provider>
  );
}

function Questions() {
  const where = useWhere();
  const inbox = useQuery(inboxQuery(where));
  const items = inbox.data?.items ?? [];
  const [chosen, setChosen] = useState<string | null>(null);
  // The oldest question is in front as long as nobody chose another.
  const open = items.find((item) => keyOf(item) === chosen) ?? items[0];
  const now = useNow(30_000);
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    const by = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (by === 0) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    const all = [...event.currentTarget.querySelectorAll<HTMLElement>("[data-question]")];
    const next = all[all.indexOf(event.target as HTMLElement) + by];
    next?.focus();
    next?.click();
  };
  return (
    <section className={classes.panel} aria-label="Inbox" data-testid="inbox-panel">
      <PlaceLine target={where} />
      <WaitsHere where={where} />
      {inbox.isPending ? (
        <PanelSkeleton rows={5} />
      ) : inbox.isError ? (
        <PanelError error={inbox.error} onRetry={() => void inbox.refetch()} />
      ) : open === undefined ? (
        <PanelEmpty
          icon={<Inbox size={20} />}
          title="Nothing to decide"
          hint="When a run asks for an approval or for data, the question comes here."
        />
      ) : (
        <div className={classes.sides}>
          <nav className={classes.items} onKeyDown={onKeyDown} aria-label="Open questions">
            {items.map((item) => (
              <Line
                key={keyOf(item)}
                item={item}
                now={now}
                isOpen={item === open}
                onPick={() => setChosen(keyOf(item))}
              />
            ))}
          </nav>
          <Opened key={keyOf(open)} item={open} />
        </div>
      )}
    </section>
  );
}

interface LineProps {
  item: InboxItem;
  now: number;
  isOpen: boolean;
  onPick: () => void;
}

function Line({ item, now, isOpen, onPick }: LineProps) {
  const { question } = item;
  const Icon = item.isOutcome ? CircleHelp : question.kind === "form" ? ClipboardPen : Stamp;
  return (
    <button
      type="button"
      className={classes.line}
      data-question
      data-open={isOpen || undefined}
      aria-current={isOpen}
      data-testid={`inbox-${runName(item.run)}-${item.step}`}
      onClick={onPick}
    >
      <span className={classes.lineIcon} data-outcome={item.isOutcome || undefined}>
        <Icon size={15} aria-hidden="true" />
      </span>
      <span className={classes.lineText}>
        <b>{question.title}</b>
        <small>
          {item.run.workflowName} · run {runName(item.run)} ·{" "}
          {formatRelative(item.askedAt, Math.max(now, item.askedAt))}
        </small>
      </span>
    </button>
  );
}

function Opened({ item }: { item: InboxItem }) {
  const where = useWhere();
  const openRun = useRun((run) => run.openRun);
  const { question } = item;
  const showRun = async () => {
    useView.getState().setPage("editor");
    useView.getState().showPanel("bottom", "run");
    await openRun(item.run.id, where);
    useEditor.getState().select({ steps: [splitPath(item.step).id] });
  };
  return (
    <div className={classes.opened}>
      <div className={classes.openedHead}>
        <h3>{question.title}</h3>
        <button type="button" className={classes.showRun} onClick={() => void showRun()}>
          Show run {runName(item.run)} <ArrowRight size={12} aria-hidden="true" />
        </button>
      </div>
      {item.isOutcome ? (
        <OutcomeCard
          run={item.run.id}
          step={item.step}
          title={question.title}
          {...(question.text ? { note: question.text } : {})}
          {...(question.evidence ? { evidence: question.evidence } : {})}
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
    </div>
  );
}
