/** Why a run stands still that a person can let go on: a budget is used up, or it was set aside. */
import { Button, NumberInput } from "@mantine/core";
import { Gauge, HardDrive, Play, ShieldAlert } from "lucide-react";
import { type ReactNode, useState } from "react";
import { callAt } from "../../backend/call";
import { HERE } from "../../backend/target";
import type { Exceeded } from "../../bindings/Exceeded";
import type { RunView } from "../../bindings/RunView";
import { sentence } from "../../components/Panel";
import { useWhyNot } from "../../state/rights";
import { hasEnded, useRun } from "../../state/run";
import { useSystem } from "../../state/system";
import { tellError } from "../../state/tell";
import { useWhere } from "../../state/where";
import { BUDGETS, exceededWords, proposed } from "./budget-words";
import { NoWorker } from "./NoWorker";
import { noWorkerOf } from "./no-worker";
import classes from "./runs.module.css";

/** How the reason begins for which Baton pauses a run while the disk is nearly full. */
const DISK = "room on the disk";

export default function RunStops({ view }: { view: RunView }) {
  const { summary } = view;
  if (hasEnded(summary.status)) return null;
  if (summary.quarantined) return <SetAside run={summary.id} reason={summary.quarantined} />;
  if (view.exceeded) {
    return (
      <UsedUp
        key={`${view.exceeded.budget}${view.exceeded.limit}`}
        run={summary.id}
        exceeded={view.exceeded}
      />
    );
  }
  const disk = summary.waitingFor.find((reason) => reason.startsWith(DISK));
  const unheard = noWorkerOf(summary);
  if (unheard !== null) return <NoWorker words={unheard} />;
  if (disk) {
    return (
      <Stop icon={<HardDrive size={16} aria-hidden />} title="The disk is nearly full">
        <span className={classes.stopWords}>
          No further step starts. The run goes on by itself once there is room.
        </span>
      </Stop>
    );
  }
  return null;
}

function Stop({ icon, title, children }: { icon: ReactNode; title: string; children: ReactNode }) {
  return (
    <div className={classes.stop} role="status" data-testid="run-stop">
      {icon}
      <b>{title}</b>
      {children}
    </div>
  );
}

function useAct() {
  const where = useWhere();
  const refresh = useRun((run) => run.refresh);
  const [isBusy, setBusy] = useState(false);
  const act = async (title: string, action: () => Promise<unknown>) => {
    setBusy(true);
    try {
      await action();
      await refresh();
    } catch (thrown) {
      tellError(title, thrown);
    } finally {
      setBusy(false);
    }
  };
  return { where, isBusy, act };
}

function UsedUp({ run, exceeded }: { run: string; exceeded: Exceeded }) {
  const { title, unit, factor } = BUDGETS[exceeded.budget];
  const [limit, setLimit] = useState<number | string>(proposed(exceeded));
  const { where, isBusy, act } = useAct();
  const whyNot = useWhyNot("run_raise", where);
  const amount = typeof limit === "number" ? Math.round(limit * factor) : Number.NaN;
  const isMore = amount > exceeded.limit && amount >= exceeded.used;
  const raise = () =>
    act("The run does not go on", () =>
      callAt(where, "run_raise", { run, budget: exceeded.budget, limit: amount }),
    );
  return (
    <Stop icon={<Gauge size={16} aria-hidden />} title="A budget is used up">
      <span className={classes.stopWords}>{exceededWords(exceeded)}.</span>
      <form
        className={classes.stopForm}
        onSubmit={(event) => {
          event.preventDefault();
          if (isMore && whyNot === null) void raise();
        }}
      >
        <NumberInput
          size="xs"
          aria-label={`${title}: allow, in ${unit}`}
          value={limit}
          onChange={setLimit}
          min={1}
          allowDecimal={false}
          allowNegative={false}
          thousandSeparator=","
          suffix={` ${unit}`}
          error={!isMore}
          w={170}
          data-testid="raise-limit"
        />
        <Button
          type="submit"
          size="compact-sm"
          leftSection={<Play size={13} />}
          disabled={!isMore || isBusy || whyNot !== null}
          title={whyNot ?? undefined}
          data-testid="raise-and-go-on"
        >
          Raise and go on
        </Button>
      </form>
    </Stop>
  );
}

function SetAside({ run, reason }: { run: string; reason: string }) {
  const { where, isBusy, act } = useAct();
  const whyNot = useWhyNot("run_release", where);
  return (
    <Stop icon={<ShieldAlert size={16} aria-hidden />} title="Set aside">
      <span className={classes.stopWords}>{sentence(reason)}. It is not taken up by itself.</span>
      <Button
        size="compact-sm"
        variant="default"
        leftSection={<Play size={13} />}
        disabled={isBusy || whyNot !== null}
        title={whyNot ?? undefined}
        onClick={() => void act("The run does not go on", () => callAt(where, "run_release", { run }))}
        data-testid="run-release"
      >
        Let it go on
      </Button>
      {where === HERE && (
        <Button
          size="compact-sm"
          variant="subtle"
          color="gray"
          onClick={() => useSystem.getState().show("safe-mode")}
        >
          What happened
        </Button>
      )}
    </Stop>
  );
}
