/** One active trigger: where it stands, when it fires next, what it did, and what can be done with it. */
import { ActionIcon, Menu, Tooltip } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { ArrowRight, ChevronRight, EllipsisVertical, Pause, Play, PowerOff, Zap } from "lucide-react";
import { useState } from "react";
import { savedInputsQuery } from "../../backend/queries";
import type { TriggerLine } from "../../bindings/TriggerLine";
import { Words } from "../../components/Words";
import { useWhyNot } from "../../state/rights";
import { useSystem } from "../../state/system";
import StatusMark from "../runs/StatusMark";
import { formatRelative } from "../runs/time";
import { isAboutWebhooks, withoutCode } from "../webhooks/webhook-words";
import { deactivate, fire, pauseOrResume } from "./act";
import FiringList from "./FiringList";
import { firingLooks, kindOf, lookOf } from "./trigger-looks";
import classes from "./triggers.module.css";

interface TriggerRowProps {
  line: TriggerLine;
  now: number;
  isActing: boolean;
  hasWorkflow: boolean;
}

export default function TriggerRow({ line, now, isActing, hasWorkflow }: TriggerRowProps) {
  const [isOpen, setOpen] = useState(false);
  const kind = kindOf(line.kind);
  const Icon = kind.icon;
  const isPaused = line.status === "paused";
  const whyNot = useWhyNot(isPaused ? "trigger_resume" : "trigger_pause");
  return (
    <li className={classes.item} data-testid={`trigger-${line.workflow}-${line.trigger}`}>
      <div className={classes.row}>
        <button
          type="button"
          className={classes.open}
          aria-expanded={isOpen}
          onClick={() => setOpen(!isOpen)}
        >
          <ChevronRight size={13} className={classes.chevron} data-open={isOpen || undefined} aria-hidden />
          <Icon size={15} className={classes.kind} aria-label={kind.label} />
          <span className={classes.name}>
            {hasWorkflow && <b>{line.workflowName}</b>}
            <span className={hasWorkflow ? classes.id : classes.idAlone}>{line.trigger}</span>
          </span>
          <span className={classes.status}>
            <StatusMark look={lookOf(line, isActing)} />
          </span>
          <span className={classes.summary} title={line.summary.replaceAll("`", "")}>
            <Words text={line.summary} isPlain />
          </span>
          <Next line={line} now={now} />
        </button>
        <Tooltip label={whyNot ?? (isPaused ? "Let it act again" : "Let it wait")}>
          <ActionIcon
            disabled={whyNot !== null}
            aria-label={`${isPaused ? "Resume" : "Pause"} ${line.trigger}`}
            data-testid={`trigger-pause-${line.trigger}`}
            onClick={() => void pauseOrResume(line)}
          >
            {isPaused ? <Play size={15} /> : <Pause size={15} />}
          </ActionIcon>
        </Tooltip>
        <RowMenu line={line} />
      </div>
      {line.trouble && <Trouble text={line.trouble} />}
      {isOpen && (
        <div className={classes.more}>
          <p className={classes.quiet}>
            {kind.label} · revision {line.revision}, activated by {line.activatedBy}{" "}
            {formatRelative(line.activatedAt, now)}
            {line.overlap && <> · {OVERLAP[line.overlap] ?? line.overlap}</>}
            {line.waiting > 0 && <> · {line.waiting} waiting</>}
          </p>
          {isPaused && (
            <p className={classes.quiet}>
              Paused by {line.changedBy} {formatRelative(line.changedAt, now)}
              {line.kind === "schedule" && <>; the times it passes are recorded once it acts again</>}.
            </p>
          )}
          <FiringList workflow={line.workflow} trigger={line.trigger} />
        </div>
      )}
    </li>
  );
}

/** What keeps a trigger from firing, and where that is changed. */
function Trouble({ text }: { text: string }) {
  const show = useSystem((system) => system.show);
  return (
    <p className={classes.trouble}>
      <Words text={withoutCode(text).text} />
      {isAboutWebhooks(text) && (
        <button type="button" className={classes.link} onClick={() => show("webhooks")}>
          Webhooks <ArrowRight size={12} aria-hidden />
        </button>
      )}
    </p>
  );
}

const OVERLAP: Record<string, string> = {
  skip: "does not start while its last run is not over",
  queue: "waits while its last run is not over",
  allow: "starts runs side by side",
  cancel: "stops its last run before it starts the next",
};

function Next({ line, now }: { line: TriggerLine; now: number }) {
  const { next, last } = line;
  if (next && line.status === "active") {
    return (
      <Tooltip label={`${next.local.replace("T", " ")} (UTC${next.offset})`}>
        <span className={classes.next}>next {formatRelative(next.at, now)}</span>
      </Tooltip>
    );
  }
  if (last) {
    const look = firingLooks[last.status];
    return (
      <span className={classes.next}>
        {look.label.toLowerCase()} {formatRelative(last.recordedAt, Math.max(now, last.recordedAt))}
      </span>
    );
  }
  return <span className={classes.next}>never fired</span>;
}

function RowMenu({ line }: { line: TriggerLine }) {
  const [isOpen, setOpen] = useState(false);
  const whyNotFire = useWhyNot("trigger_fire");
  const whyNotOff = useWhyNot("trigger_deactivate");
  const inputs = useQuery({ ...savedInputsQuery(line.workflow), enabled: isOpen });
  return (
    <Menu position="bottom-end" width={240} opened={isOpen} onChange={setOpen}>
      <Menu.Target>
        <ActionIcon aria-label={`More about ${line.trigger}`} data-testid={`trigger-menu-${line.trigger}`}>
          <EllipsisVertical size={15} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item
          leftSection={<Zap size={14} />}
          disabled={whyNotFire !== null}
          title={whyNotFire ?? undefined}
          onClick={() => void fire(line)}
        >
          Fire now
        </Menu.Item>
        {inputs.data?.inputs.map((input) => (
          <Menu.Item
            key={input.name}
            disabled={whyNotFire !== null}
            title={whyNotFire ?? undefined}
            leftSection={<Zap size={14} />}
            onClick={() => void fire(line, input.name)}
          >
            Fire with “{input.name}”
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item
          color="red"
          disabled={whyNotOff !== null}
          title={whyNotOff ?? undefined}
          leftSection={<PowerOff size={14} />}
          onClick={() =>
            void deactivate({ workflow: line.workflow, trigger: line.trigger }, `“${line.trigger}”`)
          }
        >
          Deactivate
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
