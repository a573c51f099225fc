/** Whether the triggers of the open workflow act, and the button that changes it. */
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Power, PowerOff, RefreshCw } from "lucide-react";
import { useState } from "react";
import { triggersQuery } from "../../backend/queries";
import type { Workflow } from "../../bindings/Workflow";
import { useEditor } from "../../state/editor";
import { useWhyNot } from "../../state/rights";
import StatusMark from "../runs/StatusMark";
import { activateTriggers, deactivate } from "./act";
import { lookOf } from "./trigger-looks";
import classes from "./triggers.module.css";

export default function Activation({ document, isReadOnly }: { document: Workflow; isReadOnly: boolean }) {
  const { data } = useQuery(triggersQuery);
  const isDirty = useEditor((editor) => editor.dirty);
  const [isBusy, setBusy] = useState(false);
  const whyNot = useWhyNot("trigger_activate");
  const whyNotOff = useWhyNot("trigger_deactivate");
  const own = data?.triggers.filter((line) => line.workflow === document.id) ?? [];
  const first = own[0];
  if (first === undefined && document.triggers.length === 0) return null;
  const isOutdated = own.some((line) => line.isOutdated) || (first !== undefined && isDirty);
  const act = async () => {
    setBusy(true);
    await activateTriggers();
    setBusy(false);
  };
  return (
    <div className={classes.activation} data-testid="activation">
      {first === undefined ? (
        <p className={classes.quiet}>Not active: nothing starts by itself until you activate this version.</p>
      ) : (
        <p className={classes.quiet}>
          <StatusMark look={lookOf(own.find((line) => line.trouble) ?? first, data?.isActing ?? false)} />
          <span>
            Revision {first.revision}
            {isOutdated && <>, and the workflow was changed since</>}
          </span>
        </p>
      )}
      {!isReadOnly && (
        <div className={classes.buttons}>
          {document.triggers.length > 0 && (first === undefined || isOutdated) && (
            <Button
              size="compact-sm"
              variant={first === undefined ? "filled" : "light"}
              leftSection={first === undefined ? <Power size={13} /> : <RefreshCw size={13} />}
              loading={isBusy}
              disabled={whyNot !== null}
              title={whyNot ?? undefined}
              data-testid="activate-triggers"
              onClick={() => void act()}
            >
              {first === undefined ? "Activate" : "Activate this version"}
            </Button>
          )}
          {first !== undefined && (
            <Button
              size="compact-sm"
              variant="subtle"
              color="gray"
              leftSection={<PowerOff size={13} />}
              disabled={whyNotOff !== null}
              title={whyNotOff ?? undefined}
              data-testid="deactivate-triggers"
              onClick={() => void deactivate({ workflow: document.id }, `the triggers of “${document.name}”`)}
            >
              Deactivate
            </Button>
          )}
        </div>
      )}
    </div>
  );
}
