/** The targets that are kept, how each stands, and what can be done with it. */
import { ActionIcon, Button, Group, Stack, Text, Tooltip } from "@mantine/core";
import { Pencil, Plus, RefreshCw, Server, Trash2 } from "lucide-react";
import { useEffect } from "react";
import { call } from "../../backend/call";
import type { TargetLine } from "../../bindings/TargetLine";
import { PanelEmpty, PanelError, PanelSkeleton } from "../../components/Panel";
import { StatusBadge } from "../../components/StatusBadge";
import { ask } from "../../state/ask";
import { useWhyNot } from "../../state/rights";
import { useTargets } from "../../state/targets";
import { tell, tellError } from "../../state/tell";
import { Findings } from "./Findings";
import { addressOf, kindLabel, lookOf, placeIcon } from "./target-looks";
import classes from "./targets.module.css";

export function TargetList() {
  const list = useTargets((targets) => targets.list);
  const error = useTargets((targets) => targets.error);
  const load = useTargets((targets) => targets.load);
  const show = useTargets((targets) => targets.show);
  const whyNotAdd = useWhyNot("target_add");

  useEffect(() => {
    void load().then(() => {
      const { list: lines, check } = useTargets.getState();
      for (const line of lines ?? []) void check(line.id);
    });
  }, [load]);

  if (error) return <PanelError error={error} onRetry={() => void load()} />;
  if (!list) return <PanelSkeleton rows={4} />;
  const add = (
    <Button
      leftSection={<Plus size={15} />}
      disabled={whyNotAdd !== null}
      title={whyNotAdd ?? undefined}
      onClick={() => show({ view: "form", target: null })}
      data-testid="targets-add"
    >
      Add a target…
    </Button>
  );
  if (list.length === 0) {
    return (
      <PanelEmpty
        icon={<Server size={20} />}
        title="Runs go to this computer only"
        hint="Add a Baton server or a Temporal cluster: then a workflow that you draw here runs there, and you watch and answer it in the same panels."
        action={<div style={{ marginTop: 8 }}>{add}</div>}
      />
    );
  }
  return (
    <Stack gap="md" data-testid="targets-list">
      <ul className={classes.cards}>
        {list.map((line) => (
          <Card key={line.id} line={line} />
        ))}
      </ul>
      <Group justify="space-between" wrap="nowrap">
        <Text size="xs" c="dimmed">
          Tokens and keys stay on this machine, and are never shown again.
        </Text>
        {add}
      </Group>
    </Stack>
  );
}

function Card({ line }: { line: TargetLine }) {
  const standing = useTargets((targets) => targets.standings[line.id]);
  const check = useTargets((targets) => targets.check);
  const show = useTargets((targets) => targets.show);
  const whyNotChange = useWhyNot("target_add");
  const whyNotRemove = useWhyNot("target_remove");
  const Icon = placeIcon(line.place.kind);
  const person = standing?.checked?.can.person;

  async function remove(): Promise<void> {
    const answer = await ask({
      title: `Remove “${line.name}”?`,
      text: "Baton forgets its address and its token. Runs there are not touched: they go on, and come back when you add it again.",
      answers: [{ value: "remove", label: "Remove", look: "danger" }],
    });
    if (answer !== "remove") return;
    try {
      await call("target_remove", { target: line.id });
      tell(`“${line.name}” is removed`);
    } catch (thrown) {
      tellError(`“${line.name}” is still kept`, thrown);
    }
    await useTargets.getState().load();
  }

  return (
    <li className={classes.card} data-testid={`target-card-${line.id}`}>
      <div className={classes.cardHead}>
        <span className={classes.cardIcon}>
          <Icon size={17} aria-label={kindLabel(line.place.kind)} />
        </span>
        <div className={classes.cardWords}>
          <b title={line.name}>{line.name}</b>
          <small title={addressOf(line.place)}>
            {addressOf(line.place)}
            {person && ` · you answer as ${person}`}
          </small>
        </div>
        <StatusBadge look={lookOf(standing)} />
        <Tooltip label="Look again">
          <ActionIcon
            aria-label={`Look at ${line.name} again`}
            loading={standing?.isChecking ?? false}
            onClick={() => void check(line.id)}
          >
            <RefreshCw size={15} />
          </ActionIcon>
        </Tooltip>
        <Tooltip label={whyNotChange ?? "Change"} multiline maw={320}>
          <ActionIcon
            aria-label={`Change ${line.name}`}
            disabled={whyNotChange !== null}
            onClick={() => show({ view: "form", target: line })}
            data-testid={`target-change-${line.id}`}
          >
            <Pencil size={15} />
          </ActionIcon>
        </Tooltip>
        <Tooltip label={whyNotRemove ?? "Remove"} multiline maw={320}>
          <ActionIcon
            aria-label={`Remove ${line.name}`}
            disabled={whyNotRemove !== null}
            onClick={() => void remove()}
            data-testid={`target-remove-${line.id}`}
          >
            <Trash2 size={15} />
          </ActionIcon>
        </Tooltip>
      </div>
      <Findings
        findings={(standing?.checked?.findings ?? []).filter((each) => !each.ok)}
        error={standing?.error ?? null}
      />
    </li>
  );
}
