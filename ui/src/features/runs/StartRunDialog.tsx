/** Asks for the input of a run, made from the schema of the workflow. */
import { Alert, Button, Group, Modal, Stack, Text, UnstyledButton } from "@mantine/core";
import { ChevronRight, Info, OctagonX, Play } from "lucide-react";
import { type FormEvent, useMemo, useState } from "react";
import { HERE, type Target } from "../../backend/target";
import type { Problem } from "../../bindings/Problem";
import type { Workflow } from "../../bindings/Workflow";
import { Words } from "../../components/Words";
import { findStep, titleOf } from "../../state/document";
import { useEditor } from "../../state/editor";
import { focusField } from "../../state/focus";
import { useWhyNot } from "../../state/rights";
import { useRun } from "../../state/run";
import { useTargetProblems } from "../../state/target-problems";
import { useLine, useNameOf, useStanding, useTargets } from "../../state/targets";
import { lookOf, placeIcon, troubleOf } from "../targets/target-looks";
import classes from "./runs.module.css";
import SavedInputs from "./SavedInputs";
import SchemaForm from "./SchemaForm";
import StatusMark from "./StatusMark";
import { firstAnswers, problemsOf, questionsOf, toInput } from "./schema-form";
import { launchRun } from "./start-run";

/** How many findings stand in the dialog; the panel of problems has all. */
const MOST = 5;

interface StartRunDialogProps {
  opened: boolean;
  onClose: () => void;
}

export default function StartRunDialog({ opened, onClose }: StartRunDialogProps) {
  const doc = useEditor((editor) => editor.doc);
  return (
    <Modal
      opened={opened && doc !== null}
      onClose={onClose}
      title={doc ? `Run “${doc.name}”` : "Run"}
      size="md"
      centered
    >
      {doc && <StartRunForm key={doc.id} doc={doc} onClose={onClose} />}
    </Modal>
  );
}

function StartRunForm({ doc, onClose }: { doc: Workflow; onClose: () => void }) {
  const path = useEditor((editor) => editor.path);
  const check = useEditor((editor) => editor.check);
  const questions = useMemo(() => questionsOf(doc.input), [doc.input]);
  const [answers, setAnswers] = useState<Record<string, unknown>>(() => {
    // The input of the run that is open is the likeliest one to want again.
    const open = useRun.getState().view;
    return firstAnswers(questions, open?.summary.workflow === doc.id ? open.input : undefined);
  });
  const [isTried, setTried] = useState(false);
  const [isStarting, setStarting] = useState(false);
  const chosen = useTargets((targets) => targets.chosen);
  const place = useNameOf(chosen);
  const whyNot = useWhyNot("run_start", chosen);
  const there = useTargetProblems((known) => known.problems);
  const blocking = [...(check?.problems ?? []), ...there].filter((problem) => problem.severity === "error");
  const warnings = there.filter((problem) => problem.severity !== "error");
  const problems = problemsOf(questions, answers);
  const isWrong = Object.keys(problems).length > 0;

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (isWrong || blocking.length > 0 || whyNot !== null) {
      return;
    }
    setStarting(true);
    const isStarted = await launchRun({
      document: doc,
      path,
      input: toInput(questions, answers),
      target: chosen,
    });
    setStarting(false);
    if (isStarted) {
      onClose();
    }
  };
  const shown = isTried
    ? problems
    : Object.fromEntries(
        Object.entries(problems).filter(
          ([name, words]) => answers[name] !== undefined && words !== "this is needed",
        ),
      );

  return (
    <form onSubmit={(event) => void submit(event)} data-testid="start-run-dialog" noValidate>
      <Stack gap="md">
        {doc.about?.purpose && (
          <Text size="sm" c="dimmed">
            {doc.about.purpose}
          </Text>
        )}
        <WhereItRuns target={chosen} />
        {blocking.length > 0 && <Blocking problems={blocking} onClose={onClose} />}
        {warnings.length > 0 && <Otherwise on={place} problems={warnings} onClose={onClose} />}
        {questions.length > 0 && (
          <SavedInputs
            workflow={doc.id}
            current={isWrong ? null : toInput(questions, answers)}
            onPick={(input) => setAnswers(firstAnswers(questions, input))}
          />
        )}
        {questions.length > 0 ? (
          <SchemaForm
            questions={questions}
            answers={answers}
            problems={shown}
            onChange={(name, value) => setAnswers((before) => ({ ...before, [name]: value }))}
          />
        ) : (
          blocking.length === 0 && <Text size="sm">This workflow asks for nothing.</Text>
        )}
        <Group justify="flex-end" gap="xs">
          <Button variant="subtle" color="gray" onClick={onClose}>
            Cancel
          </Button>
          <Button
            type="submit"
            leftSection={<Play size={14} />}
            loading={isStarting}
            disabled={blocking.length > 0 || whyNot !== null || (isTried && isWrong)}
            title={whyNot ?? undefined}
            data-testid="start-run-submit"
            {...(questions.length === 0 ? { "data-autofocus": true } : {})}
          >
            {chosen === HERE ? "Start run" : <span className={classes.startOn}>Start on {place}</span>}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** Says where the run will be, if that is not this computer; and what is in the way there. */
function WhereItRuns({ target }: { target: Target }) {
  const line = useLine(target);
  const standing = useStanding(target);
  if (target === HERE) return null;
  const Icon = placeIcon(line?.place.kind ?? "server");
  const trouble = troubleOf(standing);
  return (
    <div>
      <div className={classes.where} data-testid="start-where">
        <Icon size={16} aria-hidden />
        <span className={classes.whereName} title={line?.name}>
          It runs on <b>{line?.name ?? "a target that is gone"}</b>
        </span>
        <StatusMark look={lookOf(standing)} />
      </div>
      {trouble && (
        <Text size="xs" c="dimmed" mt={4}>
          <Words text={trouble.message} />
          {trouble.hint && (
            <>
              . <Words text={trouble.hint} />
            </>
          )}
        </Text>
      )}
    </div>
  );
}

function Blocking({ problems, onClose }: { problems: readonly Problem[]; onClose: () => void }) {
  return (
    <Alert
      color="red"
      variant="light"
      icon={<OctagonX size={18} />}
      title={
        problems.length === 1
          ? "One problem stands in the way"
          : `${problems.length} problems stand in the way`
      }
    >
      <ProblemLines problems={problems} onClose={onClose} />
    </Alert>
  );
}

/** What a target does otherwise keeps nobody from starting. */
function Otherwise({ on, ...lines }: { on: string; problems: readonly Problem[]; onClose: () => void }) {
  return (
    <section className={classes.otherwise} data-testid="target-warnings">
      <h3>
        <Info size={15} aria-hidden /> Otherwise on {on}
      </h3>
      <ProblemLines {...lines} />
    </section>
  );
}

/** Findings, each of which leads to its place. */
function ProblemLines({ problems, onClose }: { problems: readonly Problem[]; onClose: () => void }) {
  const doc = useEditor((editor) => editor.doc);
  const nameOf = (id: string) => {
    const step = doc && findStep(doc, id);
    return step ? titleOf(step) : id;
  };
  return (
    <div className={classes.blocking}>
      {problems.slice(0, MOST).map((problem) => (
        <UnstyledButton
          key={problem.code + problem.message + JSON.stringify(problem.place)}
          className={classes.blockingLine ?? ""}
          onClick={() => {
            onClose();
            const { step, edge } = problem.place;
            useEditor.getState().select(step ? { steps: [step] } : edge ? { edges: [edge] } : {});
            focusField(problem.place);
          }}
        >
          <span>
            {problem.place.step && <b>{nameOf(problem.place.step)}: </b>}
            <Words text={problem.message} />
          </span>
          <ChevronRight size={14} aria-label="Show it" />
        </UnstyledButton>
      ))}
      {problems.length > MOST && (
        <Text size="xs" c="dimmed">
          and {problems.length - MOST} more
        </Text>
      )}
    </div>
  );
}
