/** A question to a person, with the evidence it is decided on. */
import { Button, Textarea } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { Check, Clock, Send, UserRound, Users, X } from "lucide-react";
import { useMemo, useState } from "react";
import { toBackendError } from "../../backend/backend";
import { callAt } from "../../backend/call";
import { keys } from "../../backend/queries";
import type { Decision } from "../../bindings/Decision";
import type { InboxAnswer } from "../../bindings/InboxAnswer";
import type { Question } from "../../bindings/Question";
import { useWhyNot } from "../../state/rights";
import { useStanding } from "../../state/targets";
import { tell, tellError } from "../../state/tell";
import { useWhere } from "../../state/where";
import SchemaForm from "../runs/SchemaForm";
import { firstAnswers, problemsOf, questionsOf, toInput } from "../runs/schema-form";
import { formatExact, formatRelative } from "../runs/time";
import { useNow } from "../runs/use-now";
import Evidence from "./Evidence";
import classes from "./inbox.module.css";

interface QuestionCardProps {
  run: string;
  step: string;
  question: Question;
  answers: readonly InboxAnswer[];
  askedAt: number;
  onDone?: () => void;
}

const SAID: Record<Decision, string> = { approved: "Approved", rejected: "Rejected", submitted: "Sent" };

export default function QuestionCard({ run, step, question, answers, askedAt, onDone }: QuestionCardProps) {
  const client = useQueryClient();
  const where = useWhere();
  const person = useStanding(where)?.checked?.can.person;
  const whyNot = useWhyNot("approval_decide", where);
  const now = useNow(30_000);
  const questions = useMemo(() => questionsOf(question.schema), [question.schema]);
  const [data, setData] = useState<Record<string, unknown>>(() => firstAnswers(questions));
  const [comment, setComment] = useState("");
  const [busy, setBusy] = useState<Decision | null>(null);
  const [isTried, setTried] = useState(false);
  const isForm = question.kind === "form";
  const problems = problemsOf(questions, data);
  const approvals = answers.filter((answer) => answer.decision === "approved").length;

  const decide = async (decision: Decision) => {
    setTried(true);
    if (decision === "submitted" && Object.keys(problems).length > 0) {
      return;
    }
    setBusy(decision);
    try {
      await callAt(where, "approval_decide", {
        run,
        step,
        decision,
        data: decision === "submitted" ? toInput(questions, data) : null,
        evidenceDigest: question.evidenceDigest,
        ...(comment.trim() === "" ? {} : { comment: comment.trim() }),
      });
      tell(SAID[decision]);
      onDone?.();
    } catch (thrown) {
      const error = toBackendError(thrown);
      tellError(
        error.code === "conflict" ? "The evidence has changed, look again" : "Your answer was not taken",
        error,
      );
    } finally {
      setBusy(null);
      void client.invalidateQueries({ queryKey: keys.inbox(where) });
    }
  };

  return (
    <article className={classes.card} aria-label={question.title}>
      {question.text && <p className={classes.text}>{question.text}</p>}
      <div className={classes.facts}>
        {question.to.length > 0 && (
          <span>
            <Users size={13} aria-hidden="true" /> {question.to.join(", ")}
          </span>
        )}
        {question.quorum > 1 && (
          <span>
            <Check size={13} aria-hidden="true" /> {approvals} of {question.quorum} approvals
          </span>
        )}
        {person && (
          <span>
            <UserRound size={13} aria-hidden="true" /> you answer as {person}
          </span>
        )}
        <span title={formatExact(askedAt)}>asked {formatRelative(askedAt, Math.max(now, askedAt))}</span>
        {question.expiresAt !== undefined && (
          <span
            title={formatExact(question.expiresAt)}
            data-urgent={question.expiresAt - now < 3_600_000 || undefined}
          >
            <Clock size={13} aria-hidden="true" />{" "}
            {question.expiresAt > now
              ? `ends ${formatRelative(question.expiresAt, now)}`
              : "deadline has passed"}
          </span>
        )}
      </div>
      {question.evidence && Object.keys(question.evidence).length > 0 && (
        <Evidence evidence={question.evidence} />
      )}
      {answers.length > 0 && (
        <ul className={classes.answers}>
          {answers.map((answer) => (
            <li key={`${answer.by}-${answer.decision}`}>
              {answer.decision === "rejected" ? (
                <X size={13} aria-hidden="true" />
              ) : (
                <Check size={13} aria-hidden="true" />
              )}{" "}
              {answer.by} {answer.decision}
            </li>
          ))}
        </ul>
      )}
      {isForm && (
        <SchemaForm
          questions={questions}
          answers={data}
          problems={isTried ? problems : {}}
          onChange={(name, value) => setData((before) => ({ ...before, [name]: value }))}
        />
      )}
      <div className={classes.answer}>
        <Textarea
          aria-label="Comment"
          placeholder="Comment, kept with the decision"
          autosize
          minRows={1}
          maxRows={6}
          value={comment}
          onChange={(event) => setComment(event.currentTarget.value)}
          data-testid={`comment-${step}`}
          className={classes.comment ?? ""}
        />
        <div className={classes.actions}>
          {isForm ? (
            <Button
              leftSection={<Send size={14} />}
              loading={busy === "submitted"}
              disabled={busy !== null || whyNot !== null}
              title={whyNot ?? undefined}
              onClick={() => void decide("submitted")}
              data-testid={`submit-${step}`}
            >
              Send
            </Button>
          ) : (
            <>
              <Button
                leftSection={<Check size={14} />}
                loading={busy === "approved"}
                disabled={busy !== null || whyNot !== null}
                title={whyNot ?? undefined}
                onClick={() => void decide("approved")}
                data-testid={`approve-${step}`}
              >
                Approve
              </Button>
              <Button
                variant="default"
                leftSection={<X size={14} />}
                loading={busy === "rejected"}
                disabled={busy !== null || whyNot !== null}
                title={whyNot ?? undefined}
                onClick={() => void decide("rejected")}
                data-testid={`reject-${step}`}
              >
                Reject
              </Button>
            </>
          )}
        </div>
      </div>
    </article>
  );
}
