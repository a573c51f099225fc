import type { NodeProps } from "@xyflow/react";
import { memo } from "react";
import { iconOf } from "../../components/icons";
import { CardBadges } from "./CardBadges";
import { Handles } from "./Handles";
import type { CardNode } from "./nodes";
import classes from "./StepNode.module.css";
import { StepTitle } from "./StepTitle";

/** A step that holds steps: a frame with a heading. Its inside lets the pointer through to the canvas. */
export const ContainerNode = memo(function ContainerNode({ data, selected }: NodeProps<CardNode>) {
  const { item, view } = data;
  const { step, kind, facts } = item;
  if (!step) return null;
  const Icon = iconOf(kind?.icon ?? "group");
  const isEmpty = (step.body?.steps.length ?? 0) === 0;
  return (
    <div
      className={classes.container}
      data-testid={`step-${step.id}`}
      data-step={step.id}
      data-selected={selected || undefined}
      data-disabled={step.disabled || undefined}
      data-status={view?.status}
      data-drop={data.isDropTarget || undefined}
      style={{ width: item.w, height: item.h }}
    >
      <div className={classes.containerHead}>
        <span className={classes.icon} data-category={kind?.category ?? "flow"} data-size="sm" aria-hidden>
          <Icon size={15} strokeWidth={1.9} />
        </span>
        <StepTitle step={step} isLocked={data.isLocked} />
        <span className={classes.containerSummary}>{facts?.summary || kind?.title}</span>
      </div>
      {item.ports.map((port) => (
        <div
          key={port.name}
          className={classes.containerPort}
          data-chosen={view?.port === port.name || undefined}
        >
          {port.title}
        </div>
      ))}
      {isEmpty && <div className={classes.empty}>Drag steps in here, or double-click to add one</div>}
      <CardBadges data={data} />
      <Handles data={data} id={step.id} />
    </div>
  );
});
