/** The limits of this data folder: budgets of a run, what is carried out at a time, room on the disk. */
import { Button, Group, Modal, Stack } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { toBackendError } from "../../backend/backend";
import { call } from "../../backend/call";
import { keys, limitsQuery } from "../../backend/queries";
import type { EngineLimits } from "../../bindings/EngineLimits";
import type { LimitsView } from "../../bindings/LimitsView";
import { PanelError, PanelSkeleton, sentence } from "../../components/Panel";
import { useSystem } from "../../state/system";
import { tell } from "../../state/tell";
import { BudgetFields } from "./BudgetFields";
import { DiskFields } from "./DiskFields";
import classes from "./system.module.css";
import { WorkFields } from "./WorkFields";

export function LimitsDialog() {
  const isOpen = useSystem((system) => system.dialog === "limits");
  const close = useSystem((system) => system.close);
  return (
    <Modal opened={isOpen} onClose={close} title="Limits" size="xl" centered>
      {isOpen && <Content />}
    </Modal>
  );
}

function Content() {
  const { data: view, error, refetch } = useQuery({ ...limitsQuery, staleTime: 0 });
  if (error) return <PanelError error={error} onRetry={() => void refetch()} />;
  if (!view) return <PanelSkeleton rows={6} />;
  return <LimitsForm view={view} />;
}

function LimitsForm({ view }: { view: LimitsView }) {
  const client = useQueryClient();
  const close = useSystem((system) => system.close);
  const [limits, setLimits] = useState<EngineLimits>(view.limits);
  const [wrong, setWrong] = useState<ReadonlySet<string>>(new Set());
  const [trouble, setTrouble] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const mark = (name: string, isWrong: boolean) =>
    setWrong((known) => {
      const next = new Set(known);
      if (isWrong) next.add(name);
      else next.delete(name);
      return next;
    });
  const save = async () => {
    setBusy(true);
    setTrouble(null);
    try {
      client.setQueryData(keys.limits, await call("limits_set", limits));
      void client.invalidateQueries({ queryKey: keys.disk });
      tell("The limits are kept");
      close();
    } catch (thrown) {
      const { message, hint } = toBackendError(thrown);
      setTrouble(hint ? `${sentence(message)}: ${hint}` : sentence(message));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (wrong.size === 0) void save();
      }}
      data-testid="limits-dialog"
    >
      <Stack gap="lg">
        <section className={classes.group}>
          <h3>A run pauses and asks beyond</h3>
          <p className={classes.help}>
            For workflows that say nothing else. Nothing is lost: a run that pauses goes on where it stands
            once more is allowed. It keeps the limits that it began with.
          </p>
          <BudgetFields
            value={limits.run}
            builtIn={view.builtIn.run}
            onChange={(run) => setLimits({ ...limits, run })}
            onWrong={mark}
          />
        </section>
        <section className={classes.group}>
          <h3>At the same time, of all runs together</h3>
          <WorkFields value={limits} onChange={setLimits} />
        </section>
        <section className={classes.group}>
          <h3>Free on the disk of the data folder</h3>
          <DiskFields
            value={limits.disk}
            onChange={(disk) => setLimits({ ...limits, disk })}
            onWrong={mark}
          />
        </section>
        {trouble !== null && (
          <p role="alert" style={{ margin: 0, color: "var(--bt-failed)" }}>
            {trouble}
          </p>
        )}
        <Group justify="flex-end" gap="xs">
          <Button
            variant="subtle"
            color="gray"
            onClick={() => setLimits({ ...view.builtIn, run: {} })}
            data-testid="limits-reset"
          >
            As built in
          </Button>
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          <Button type="submit" disabled={wrong.size > 0 || isBusy} data-testid="limits-save">
            Keep
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
