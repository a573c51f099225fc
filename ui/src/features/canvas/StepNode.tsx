import { Tooltip } from "@mantine/core";
import type { NodeProps } from "@xyflow/react";
import { PinIcon } from "lucide-react";
import { memo } from "react";
import { iconOf } from "../../components/icons";
import { titleOf } from "../../state/document";
import { CardBadges } from "./CardBadges";
import { PORT_ROW, portsTop } from "./geometry";
import { Handles } from "./Handles";
import type { CardNode } from "./nodes";
import classes from "./StepNode.module.css";
import { StepTitle } from "./StepTitle";

/** A step as a card: what it is, what it does, how it stands. */
export const StepNode = memo(function StepNode({ data, selected }: NodeProps<CardNode>) {
  const { item, view } = data;
  const { step, kind, facts } = item;
  if (!step) return null;
  const Icon = iconOf(kind?.icon);
  const isUnknown = facts ? !facts.isKnown : false;
  const kindTitle = kind?.title ?? step.kind;
  const subtitle = facts?.summary || (titleOf(step) === kindTitle ? (kind?.summary ?? step.kind) : kindTitle);
  return (
    <div
      className={classes.card}
      data-testid={`step-${step.id}`}
      data-step={step.id}
      data-selected={selected || undefined}
      data-disabled={step.disabled || undefined}
      data-unknown={isUnknown || undefined}
      data-status={view?.status}
      style={{ width: item.w, height: item.h }}
    >
      <div className={classes.head} data-ports={item.ports.length > 0 || undefined}>
        <span className={classes.icon} data-category={kind?.category ?? "systems"} aria-hidden>
          <Icon size={18} strokeWidth={1.9} />
        </span>
        <div className={classes.words}>
          <StepTitle step={step} isLocked={data.isLocked} />
          <div className={classes.summary} title={facts?.summary || kind?.summary}>
            {isUnknown ? `Unknown kind ${step.kind}` : step.disabled ? `Disabled · ${kindTitle}` : subtitle}
          </div>
        </div>
        {step.pin !== undefined && (
          <Tooltip label="Uses pinned data instead of running">
            <PinIcon size={14} className={classes.pin} aria-label="Pinned data" />
          </Tooltip>
        )}
      </div>
      {item.ports.map((port, index) => (
        <div
          key={port.name}
          className={classes.port}
          data-chosen={view?.port === port.name || undefined}
          style={{ top: portsTop(item.ports.length, false) + index * PORT_ROW }}
        >
          {port.title}
        </div>
      ))}
      <CardBadges data={data} />
      <Handles data={data} id={step.id} />
    </div>
  );
});
