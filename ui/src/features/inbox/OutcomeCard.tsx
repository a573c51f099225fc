/** Nobody knows whether a step was carried out: a person says what became of it. */
import { Button, Textarea } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { Check, CircleHelp, RotateCw, X } from "lucide-react";
import { useState } from "react";
import { callAt } from "../../backend/call";
import { keys } from "../../backend/queries";
import type { Settlement } from "../../bindings/Settlement";
import { Words } from "../../components/Words";
import { useWhyNot } from "../../state/rights";
import { tell, tellError } from "../../state/tell";
import { useWhere } from "../../state/where";
import { formatExact } from "../runs/time";
import Evidence from "./Evidence";
import classes from "./inbox.module.css";

interface OutcomeCardProps {
  run: string;
  step: string;
  title: string;
  note?: string;
  /** What is known: what it was about to do, when, its key, its last words. */
  evidence?: Record<string, unknown>;
  onDone?: () => void;
}

export default function OutcomeCard({ run, step, title, note, evidence, onDone }: OutcomeCardProps) {
  const client = useQueryClient();
  const where = useWhere();
  const whyNot = useWhyNot("run_settle", where);
  const [isDone, setDone] = useState(false);
  const [output, setOutput] = useState("");
  const [isBusy, setBusy] = useState(false);
  const settle = async (answer: Settlement) => {
    setBusy(true);
    try {
      await callAt(where, "run_settle", { run, step, answer });
      tell("Settled");
      onDone?.();
    } catch (thrown) {
      tellError("Your answer was not taken", thrown);
    } finally {
      setBusy(false);
      void client.invalidateQueries({ queryKey: keys.inbox(where) });
    }
  };
  const parsed = readOutput(output);
  return (
    <article className={classes.card} aria-label={`Outcome of ${title}`}>
      <p className={classes.text}>
        <CircleHelp size={16} aria-hidden="true" className={classes.warn} /> Was “{title}” carried out?
      </p>
      <p className={classes.note}>
        {note ? (
          <Words text={note} />
        ) : (
          "Baton stopped while this step was at work. Repeating it could do it twice, so it asks."
        )}
      </p>
      {evidence && Object.keys(evidence).length > 0 && <Evidence evidence={readable(evidence)} />}
      {isDone && (
        <Textarea
          label="Output to go on with"
          description="JSON, or nothing"
          autosize
          minRows={2}
          maxRows={10}
          value={output}
          error={parsed.problem}
          onChange={(event) => setOutput(event.currentTarget.value)}
          spellCheck={false}
        />
      )}
      <div className={classes.answer}>
        <Button
          leftSection={<Check size={14} />}
          title={whyNot ?? undefined}
          disabled={whyNot !== null || isBusy || (isDone && parsed.problem !== null)}
          onClick={() => (isDone ? void settle({ type: "done", output: parsed.value }) : setDone(true))}
          data-testid={`settle-done-${step}`}
        >
          {isDone ? "Go on with this" : "It was done"}
        </Button>
        <Button
          variant="default"
          leftSection={<X size={14} />}
          disabled={isBusy || whyNot !== null}
          title={whyNot ?? undefined}
          onClick={() => void settle({ type: "not-done" })}
          data-testid={`settle-not-done-${step}`}
        >
          It was not done
        </Button>
        <Button
          variant="default"
          leftSection={<RotateCw size={14} />}
          disabled={isBusy || whyNot !== null}
          title={whyNot ?? undefined}
          onClick={() => void settle({ type: "run-again" })}
          data-testid={`settle-again-${step}`}
        >
          Run it again
        </Button>
      </div>
    </article>
  );
}

/** The same with the instant in words. */
function readable(evidence: Record<string, unknown>): Record<string, unknown> {
  const { startedAt } = evidence;
  return typeof startedAt === "number" ? { ...evidence, startedAt: formatExact(startedAt) } : evidence;
}

function readOutput(text: string): { value: unknown; problem: string | null } {
  if (text.trim() === "") {
    return { value: null, problem: null };
  }
  try {
    return { value: JSON.parse(text) as unknown, problem: null };
  } catch (error) {
    return {
      value: null,
      problem: `Not JSON yet: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
}
