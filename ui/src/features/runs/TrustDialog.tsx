/** Asks before a workflow that came from elsewhere runs, with everything it could do. */
import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import {
  FileInput,
  FileOutput,
  Globe,
  KeyRound,
  type LucideIcon,
  MessageSquare,
  ShieldAlert,
  Terminal,
  Trash2,
} from "lucide-react";
import { useState } from "react";
import { call } from "../../backend/call";
import type { EffectLine } from "../../bindings/EffectLine";
import { PanelError, PanelSkeleton } from "../../components/Panel";
import { useEditor } from "../../state/editor";
import { useWhyNot } from "../../state/rights";
import { tellError } from "../../state/tell";
import { useView } from "../../state/view";
import { activateTriggers } from "../triggers/act";
import classes from "./runs.module.css";
import { type Launch, launchRun, startRun, useLaunch } from "./start-run";

const KINDS: Record<string, { words: string; icon: LucideIcon; isRisky?: boolean }> = {
  program: { words: "Start programs", icon: Terminal, isRisky: true },
  delete: { words: "Delete files", icon: Trash2, isRisky: true },
  write: { words: "Write files", icon: FileOutput },
  read: { words: "Read files", icon: FileInput },
  host: { words: "Talk to other machines", icon: Globe },
  secret: { words: "Use secrets", icon: KeyRound, isRisky: true },
  message: { words: "Send messages", icon: MessageSquare },
};

/** Always mounted; shown while the view's dialog is `trust`. */
export default function TrustDialog() {
  const isOpen = useView((view) => view.dialog === "trust");
  const close = useView((view) => view.closeDialog);
  const waiting = useLaunch((state) => state.waiting);
  return (
    <Modal
      opened={isOpen && waiting !== null}
      onClose={close}
      title={`${waiting?.purpose === "activate" ? "Activate" : "Run"} “${waiting?.document.name ?? "this workflow"}”?`}
      centered
      size="md"
    >
      {waiting && <TrustForm waiting={waiting} onClose={close} />}
    </Modal>
  );
}

function TrustForm({ waiting, onClose }: { waiting: Launch; onClose: () => void }) {
  const trust = useEditor((editor) => editor.trust);
  const setTrust = useEditor((editor) => editor.setTrust);
  const whyNot = useWhyNot("workflow_trust");
  const [isBusy, setBusy] = useState(false);
  const check = useQuery({
    queryKey: ["trust-check", waiting],
    queryFn: () => call("workflow_check", { document: waiting.document, path: waiting.path }),
    gcTime: 0,
  });
  const effects = trust?.effects ?? [];
  const agree = async () => {
    if (!check.data) {
      return;
    }
    setBusy(true);
    try {
      await call("workflow_trust", { digest: check.data.digest });
      setTrust({ trusted: true, effects });
      if (waiting.purpose === "activate") {
        onClose();
        await activateTriggers();
      } else if (waiting.input === undefined) {
        onClose();
        await startRun();
      } else {
        await launchRun(waiting);
      }
    } catch (thrown) {
      tellError("The workflow is not trusted", thrown);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Stack gap="md" data-testid="trust-dialog">
      <Group gap="sm" wrap="nowrap" align="flex-start">
        <ShieldAlert size={22} className={classes.trustIcon ?? ""} />
        <Text size="sm">
          This workflow was not made here, and nobody on this machine has run this version yet. Look at what
          it could do before you run it.
        </Text>
      </Group>
      {check.error && <PanelError error={check.error} onRetry={() => void check.refetch()} />}
      {check.isPending ? <PanelSkeleton rows={3} /> : <Effects effects={effects} />}
      <Text size="xs" c="dimmed">
        Trust is for exactly this version: when a step changes, Baton asks again.
      </Text>
      <Group justify="flex-end" gap="xs">
        <Button variant="default" onClick={onClose} data-autofocus data-testid="trust-cancel">
          Cancel
        </Button>
        <Button
          onClick={() => void agree()}
          loading={isBusy}
          disabled={!check.data || whyNot !== null}
          title={whyNot ?? undefined}
          data-testid="trust-run"
        >
          {waiting.purpose === "activate" ? "Trust this version and activate" : "Trust this version and run"}
        </Button>
      </Group>
    </Stack>
  );
}

function Effects({ effects }: { effects: readonly EffectLine[] }) {
  if (effects.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        As far as can be told it touches nothing outside: no program, no file, no other machine, no secret.
      </Text>
    );
  }
  const kinds = [...new Set([...Object.keys(KINDS), ...effects.map((effect) => effect.kind)])];
  return (
    <div className={classes.effects}>
      {kinds.flatMap((kind) => {
        const lines = effects.filter((effect) => effect.kind === kind);
        const look = KINDS[kind];
        const Icon = look?.icon ?? ShieldAlert;
        return lines.length === 0
          ? []
          : [
              <div key={kind} className={classes.effectGroup} data-risky={look?.isRisky || undefined}>
                <h4>
                  <Icon size={14} aria-hidden="true" /> {look?.words ?? kind}
                </h4>
                <ul>
                  {lines.map((line) => (
                    <li key={`${line.target}-${line.step}`}>
                      <code>{line.target}</code> <span>in {line.step}</span>
                    </li>
                  ))}
                </ul>
              </div>,
            ];
      })}
    </div>
  );
}
