/** Where a target is and how to get in, with a look whether it works before it is kept. */
import {
  Alert,
  Button,
  Collapse,
  Group,
  PasswordInput,
  SegmentedControl,
  Stack,
  Switch,
  TextInput,
  UnstyledButton,
} from "@mantine/core";
import { ChevronRight, CircleAlert, PlugZap } from "lucide-react";
import { type FormEvent, useRef, useState } from "react";
import { type BackendError, toBackendError } from "../../backend/backend";
import { call } from "../../backend/call";
import type { PlaceKind } from "../../backend/target";
import type { TargetChecked } from "../../bindings/TargetChecked";
import type { TargetLine } from "../../bindings/TargetLine";
import { sentence } from "../../components/Panel";
import { useWhyNot } from "../../state/rights";
import { useTargets } from "../../state/targets";
import { tell } from "../../state/tell";
import { Findings } from "./Findings";
import { PathField } from "./PathField";
import { draftOf, problemsOf, requestOf, type TargetDraft } from "./target-draft";
import { kindLabel } from "./target-looks";
import classes from "./targets.module.css";

type Look = { isBusy: boolean; checked: TargetChecked | null; error: BackendError | null };

const NOT_LOOKED: Look = { isBusy: false, checked: null, error: null };

export function TargetForm({ target }: { target: TargetLine | null }) {
  const show = useTargets((targets) => targets.show);
  const [draft, setDraft] = useState<TargetDraft>(() => draftOf(target));
  const [isTried, setTried] = useState(false);
  const [look, setLook] = useState<Look>(NOT_LOOKED);
  const [failure, setFailure] = useState<BackendError | null>(null);
  const [isBusy, setBusy] = useState(false);
  const whyNotTry = useWhyNot("target_try");
  const whyNotAdd = useWhyNot("target_add");
  const round = useRef(0);
  const hasSecret = target?.hasSecret ?? false;
  const problems = problemsOf(draft, hasSecret);
  const isWrong = Object.keys(problems).length > 0;

  const change = (next: Partial<TargetDraft>) => {
    setDraft({ ...draft, ...next });
    // A result is about what was looked at; a later one of an older draft is dropped.
    round.current += 1;
    setLook(NOT_LOOKED);
    setFailure(null);
  };
  const text = (name: Exclude<keyof TargetDraft, "kind" | "tls">) => ({
    value: draft[name],
    error: isTried ? problems[name] : undefined,
    spellCheck: false,
    autoComplete: "off",
    onChange: (event: { currentTarget: { value: string } }) => change({ [name]: event.currentTarget.value }),
    "data-testid": `target-${name}`,
  });

  async function lookWhether(): Promise<void> {
    setTried(true);
    if (isWrong) return;
    round.current += 1;
    const mine = round.current;
    setLook({ ...NOT_LOOKED, isBusy: true });
    try {
      const checked = await call("target_try", requestOf(draft, target?.id));
      if (mine === round.current) setLook({ isBusy: false, checked, error: null });
    } catch (thrown) {
      if (mine === round.current) setLook({ isBusy: false, checked: null, error: toBackendError(thrown) });
    }
  }

  async function keep(event: FormEvent): Promise<void> {
    event.preventDefault();
    setTried(true);
    if (isWrong || whyNotAdd !== null) return;
    setBusy(true);
    setFailure(null);
    try {
      const line = await call("target_add", requestOf(draft, target?.id));
      const { load, choose, check } = useTargets.getState();
      await load();
      if (target === null) {
        choose(line.id);
        tell(`Runs go to “${line.name}” now`);
        show(null);
      } else {
        void check(line.id);
        show({ view: "list" });
      }
    } catch (thrown) {
      setFailure(toBackendError(thrown));
    } finally {
      setBusy(false);
    }
  }

  return (
    <form onSubmit={(event) => void keep(event)} noValidate data-testid="target-form">
      <Stack gap="md">
        <SegmentedControl
          aria-label="Kind of target"
          fullWidth
          value={draft.kind}
          // What is kept does not become something else: it has runs.
          disabled={target !== null}
          onChange={(kind) => change({ kind: kind as PlaceKind })}
          data={(["server", "temporal"] as const).map((value) => ({ value, label: kindLabel(value) }))}
          data-testid="target-kind"
        />
        <TextInput
          label="Name"
          description="What it is called in the header and in the panels"
          placeholder={draft.kind === "server" ? "Production" : "Cluster in Frankfurt"}
          maxLength={64}
          required
          data-autofocus
          {...text("name")}
        />
        {draft.kind === "server" ? (
          <ServerFields draft={draft} text={text} hasSecret={hasSecret} />
        ) : (
          <TemporalFields draft={draft} text={text} hasSecret={hasSecret} onTls={(tls) => change({ tls })} />
        )}
        <section className={classes.look}>
          <Button
            variant="default"
            leftSection={<PlugZap size={15} />}
            loading={look.isBusy}
            disabled={whyNotTry !== null}
            title={whyNotTry ?? undefined}
            onClick={() => void lookWhether()}
            data-testid="target-try"
          >
            Look whether it works
          </Button>
          <Findings findings={look.checked?.findings ?? []} error={look.error} />
          {look.checked?.ok && (
            <p className={classes.works} data-testid="target-works">
              Runs can go there.
              {look.checked.can.person && ` You answer there as ${look.checked.can.person}.`}
            </p>
          )}
        </section>
        {failure && (
          <Alert
            color="red"
            variant="light"
            icon={<CircleAlert size={18} />}
            title={sentence(failure.message)}
          >
            {failure.hint && sentence(failure.hint)}
          </Alert>
        )}
        <Group justify="flex-end" gap="xs">
          <Button variant="subtle" color="gray" onClick={() => show(target ? { view: "list" } : null)}>
            Cancel
          </Button>
          <Button
            type="submit"
            loading={isBusy}
            disabled={whyNotAdd !== null || (isTried && isWrong)}
            title={whyNotAdd ?? undefined}
            data-testid="target-keep"
          >
            {target === null ? "Add" : "Keep"}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

type TextProps = (name: Exclude<keyof TargetDraft, "kind" | "tls">) => object & {
  value: string;
  error: string | undefined;
};

interface FieldsProps {
  draft: TargetDraft;
  text: TextProps;
  hasSecret: boolean;
}

const KEPT_SECRET = "Leave empty to keep the one that is there";

function ServerFields({ text, hasSecret }: FieldsProps) {
  return (
    <>
      <TextInput
        label="Address"
        description="As it is opened in a browser"
        placeholder="https://baton.example.com:8443"
        required
        {...text("url")}
      />
      <PasswordInput
        label="Token"
        description={
          hasSecret
            ? `${KEPT_SECRET}; it is not shown again`
            : "Of a user of that server; there, an administrator makes one with: baton users token NAME. It is not shown again"
        }
        required={!hasSecret}
        placeholder={hasSecret ? "••••••••" : "baton_…"}
        {...text("secret")}
        autoComplete="new-password"
      />
      <More isOpenAtFirst={text("ca").value !== ""}>
        <PathField
          label="Authority of its certificate"
          help="A PEM file, if this machine does not know who signed it"
          placeholder="/etc/baton/ca.pem"
          {...text("ca")}
        />
      </More>
    </>
  );
}

function TemporalFields({ draft, text, hasSecret, onTls }: FieldsProps & { onTls: (tls: boolean) => void }) {
  const isSpecial = draft.blobs !== "" || draft.keys !== "";
  return (
    <>
      <div className={classes.three}>
        <TextInput label="Address" placeholder="localhost:7233" required {...text("address")} />
        <TextInput label="Namespace" placeholder="default" required {...text("namespace")} />
        <TextInput label="Task queue" placeholder="baton" required {...text("taskQueue")} />
      </div>
      <PasswordInput
        label="Key"
        description={
          hasSecret
            ? `${KEPT_SECRET}; it is not shown again`
            : "The API key of the cluster, if it wants one. It is not shown again"
        }
        placeholder={hasSecret ? "••••••••" : ""}
        {...text("secret")}
        autoComplete="new-password"
      />
      <Switch
        size="sm"
        label="With TLS"
        checked={draft.tls}
        onChange={(event) => onTls(event.currentTarget.checked)}
        data-testid="target-tls"
      />
      {draft.tls && (
        <div className={classes.three}>
          <PathField label="Authority" help="PEM, if not a known one" {...text("tlsCa")} />
          <PathField label="Certificate" help="PEM, of this client" {...text("tlsCert")} />
          <PathField label="Its key" help="PEM" {...text("tlsKey")} />
        </div>
      )}
      <More isOpenAtFirst={isSpecial}>
        <PathField
          label="Folder for large values"
          help="The same for every worker and client: --blobs of the worker"
          placeholder="/srv/baton"
          {...text("blobs")}
        />
        <PathField
          label="File of keys"
          help="Values are encrypted with them: --keys of the worker"
          placeholder="/etc/baton/keys"
          {...text("keys")}
        />
      </More>
    </>
  );
}

function More({ isOpenAtFirst, children }: { isOpenAtFirst: boolean; children: React.ReactNode }) {
  const [isOpen, setOpen] = useState(isOpenAtFirst);
  return (
    <div>
      <UnstyledButton
        className={classes.more ?? ""}
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
        data-testid="target-more"
      >
        <ChevronRight size={13} className={classes.chevron} data-open={isOpen || undefined} aria-hidden />
        More
      </UnstyledButton>
      <Collapse expanded={isOpen}>
        <Stack gap="md" pt="xs">
          {children}
        </Stack>
      </Collapse>
    </div>
  );
}
