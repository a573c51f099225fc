/** What starts by itself: every trigger that is active, of this workflow or of all. */
import { Alert, Button, Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Info, Plus, Zap } from "lucide-react";
import { useState } from "react";
import { triggersQuery } from "../../backend/queries";
import { PanelEmpty, PanelError, PanelSkeleton } from "../../components/Panel";
import { useEditor } from "../../state/editor";
import { useNow } from "../runs/use-now";
import WebhookChip from "../webhooks/WebhookChip";
import Activation from "./Activation";
import { wantTrigger } from "./act";
import TriggerRow from "./TriggerRow";
import classes from "./triggers.module.css";

export default function TriggersPanel() {
  const doc = useEditor((editor) => editor.doc);
  const isReadOnly = useEditor((editor) => editor.readOnly !== null);
  const triggers = useQuery(triggersQuery);
  const [scope, setScope] = useState("this");
  const isThis = scope === "this" && doc !== null;
  const all = triggers.data?.triggers ?? [];
  const list = isThis ? all.filter((line) => line.workflow === doc.id) : all;
  const others = all.length - list.length;
  const now = useNow(
    1_000,
    list.some((line) => line.next !== undefined),
  );
  return (
    <section className={classes.panel} aria-label="Triggers" data-testid="triggers-panel">
      {doc && (
        <div className={classes.bar}>
          <Select
            aria-label="Which workflows"
            data={[
              { value: "this", label: "This workflow" },
              { value: "all", label: "All workflows" },
            ]}
            value={scope}
            allowDeselect={false}
            onChange={(next) => setScope(next ?? "this")}
            className={classes.filter ?? ""}
          />
          <Activation document={doc} isReadOnly={isReadOnly} />
          <span className={classes.push}>
            <WebhookChip />
          </span>
        </div>
      )}
      {triggers.data?.isActing === false && all.length > 0 && (
        <Alert m="xs" color="gray" variant="light" icon={<Info size={16} />}>
          This Baton only looks: triggers act in the one that owns the data folder.
        </Alert>
      )}
      {triggers.isPending ? (
        <PanelSkeleton rows={4} />
      ) : triggers.isError ? (
        <PanelError error={triggers.error} onRetry={() => void triggers.refetch()} />
      ) : list.length === 0 ? (
        <PanelEmpty
          icon={<Zap size={20} />}
          title={isThis ? "Nothing starts this workflow by itself" : "Nothing starts by itself"}
          hint={
            doc && doc.triggers.length > 0
              ? "It has triggers; they act once you activate this version."
              : others > 0
                ? "Triggers of other workflows are active: choose All workflows to see them."
                : "A time, a file that lands, a call from another program or the end of another workflow can start it, once you activate that."
          }
          action={
            isThis && !isReadOnly && doc.triggers.length === 0 ? (
              <Button
                mt={6}
                variant="default"
                leftSection={<Plus size={14} />}
                onClick={wantTrigger}
                data-testid="want-trigger"
              >
                Add a trigger
              </Button>
            ) : undefined
          }
        />
      ) : (
        <ul className={classes.list}>
          {list.map((line) => (
            <TriggerRow
              key={`${line.workflow}/${line.trigger}`}
              line={line}
              now={now}
              isActing={triggers.data.isActing}
              hasWorkflow={!isThis}
            />
          ))}
        </ul>
      )}
    </section>
  );
}
