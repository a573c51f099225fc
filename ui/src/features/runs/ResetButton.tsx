/** Goes back to a step of a run, after saying what that repeats. */
import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { CircleCheck, RotateCcw, TriangleAlert } from "lucide-react";
import { type FormEvent, useState } from "react";
import { callAt } from "../../backend/call";
import { useCatalog } from "../../backend/queries";
import { HERE } from "../../backend/target";
import type { RunView } from "../../bindings/RunView";
import { titleOf } from "../../state/document";
import { useWhyNot } from "../../state/rights";
import { runName, useRun } from "../../state/run";
import { tell, tellError } from "../../state/tell";
import { useWhere } from "../../state/where";
import { resetPlan, whyNotBackTo } from "./reset";
import type { RunRow } from "./run-rows";
import classes from "./runs.module.css";

export default function ResetButton({ view, row }: { view: RunView; row: RunRow }) {
  const where = useWhere();
  const refused = useWhyNot("run_reset", where);
  const [isAsking, setAsking] = useState(false);
  // This computer does not go back: it runs the version again.
  if (where === HERE) return null;
  const whyNot = refused ?? whyNotBackTo(row);
  return (
    <>
      <Button
        size="compact-xs"
        variant="default"
        leftSection={<RotateCcw size={12} />}
        disabled={whyNot !== null}
        title={whyNot ?? undefined}
        onClick={() => setAsking(true)}
        data-testid={`reset-${row.path}`}
      >
        Go back to this step…
      </Button>
      <Modal
        opened={isAsking}
        onClose={() => setAsking(false)}
        title={`Go back to “${titleOf(row.step)}”?`}
        centered
      >
        {isAsking && <ResetForm view={view} row={row} onClose={() => setAsking(false)} />}
      </Modal>
    </>
  );
}

function ResetForm({ view, row, onClose }: { view: RunView; row: RunRow; onClose: () => void }) {
  const where = useWhere();
  const kinds = useCatalog();
  const [reason, setReason] = useState("");
  const [isBusy, setBusy] = useState(false);
  const plan = resetPlan(view, row, (kind) => (kinds.get(kind)?.effect ?? "pure") !== "pure");

  async function goBack(event: FormEvent): Promise<void> {
    event.preventDefault();
    setBusy(true);
    try {
      const { run } = await callAt(where, "run_reset", {
        run: view.summary.id,
        step: row.path,
        ...(reason.trim() === "" ? {} : { reason: reason.trim() }),
      });
      tell(`Run ${runName(view.summary)} went back to “${titleOf(row.step)}”`);
      onClose();
      await useRun.getState().openRun(run, where);
    } catch (thrown) {
      tellError("The run did not go back", thrown);
    } finally {
      setBusy(false);
    }
  }

  return (
    <form onSubmit={(event) => void goBack(event)} data-testid="reset-dialog">
      <Stack gap="md">
        <div>
          <p className={classes.resetNote}>These run again:</p>
          <Titles titles={plan.repeated} isRepeated />
        </div>
        <div>
          {plan.kept.length === 0 ? (
            <p className={classes.resetNote}>
              Nothing was finished before it: the run begins anew from there.
            </p>
          ) : (
            <>
              <p className={classes.resetNote}>These stay done, with their results:</p>
              <Titles titles={plan.kept} />
            </>
          )}
        </div>
        {plan.acted.length > 0 && (
          <div className={classes.resetWarning}>
            <TriangleAlert size={16} aria-hidden />
            <span>
              <b>What was done is not taken back.</b> {plan.acted.join(", ")}{" "}
              {plan.acted.length === 1 ? "has" : "have"} acted already and will do so again, with the same
              keys: a system that knows these does nothing twice.
            </span>
          </div>
        )}
        <TextInput
          label="Why"
          description="Kept with the run"
          placeholder="The price list was wrong"
          value={reason}
          maxLength={300}
          onChange={(event) => setReason(event.currentTarget.value)}
          data-autofocus
          data-testid="reset-reason"
        />
        <Text size="xs" c="dimmed">
          Answers that people gave after it began count no more: they are asked again. What happened until now
          stays in the history of the cluster.
        </Text>
        <Group justify="flex-end" gap="xs">
          <Button variant="subtle" color="gray" onClick={onClose}>
            Cancel
          </Button>
          <Button
            type="submit"
            loading={isBusy}
            leftSection={<RotateCcw size={14} />}
            data-testid="reset-confirm"
          >
            Go back
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

const MOST = 8;

function Titles({ titles, isRepeated = false }: { titles: readonly string[]; isRepeated?: boolean }) {
  return (
    <ul className={classes.resetList}>
      {titles.slice(0, MOST).map((title, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: titles may be the same, and the list never changes
        <li key={index}>
          {isRepeated ? (
            <RotateCcw size={14} color="var(--bt-warning)" aria-hidden />
          ) : (
            <CircleCheck size={14} color="var(--bt-succeeded)" aria-hidden />
          )}
          {title}
        </li>
      ))}
      {titles.length > MOST && <li>and {titles.length - MOST} more</li>}
    </ul>
  );
}
