/** One object of a list: a line that opens to a form. */
import { ActionIcon } from "@mantine/core";
import { ChevronRight, MoveDown, MoveUp, Trash2 } from "lucide-react";
import type { ReactNode } from "react";
import classes from "./inspector.module.css";

interface RowProps {
  title: string;
  /** `rule 3`, for the labels of the buttons. */
  noun: string;
  /** Number of findings inside. */
  count: number;
  path: string;
  isOpen: boolean;
  onToggle: () => void;
  onRemove?: () => void;
  onUp?: () => void;
  onDown?: () => void;
  children: ReactNode;
}

export default function Row({
  title,
  noun,
  count,
  path,
  isOpen,
  onToggle,
  onRemove,
  onUp,
  onDown,
  children,
}: RowProps) {
  return (
    <div className={classes.item} data-open={isOpen || undefined} data-field-path={path}>
      <div className={classes.itemHead}>
        <button
          type="button"
          className={classes.itemTitle}
          aria-expanded={isOpen}
          onClick={onToggle}
          title={title}
        >
          <ChevronRight size={13} className={classes.chevron} data-open={isOpen || undefined} />
          <span>{title}</span>
          {count > 0 && (
            <span className={classes.badge} title={`${count} to look at`}>
              {count}
            </span>
          )}
        </button>
        {onUp && (
          <ActionIcon size="sm" aria-label={`Move ${noun} up`} onClick={onUp}>
            <MoveUp size={12} />
          </ActionIcon>
        )}
        {onDown && (
          <ActionIcon size="sm" aria-label={`Move ${noun} down`} onClick={onDown}>
            <MoveDown size={12} />
          </ActionIcon>
        )}
        {onRemove && (
          <ActionIcon size="sm" aria-label={`Remove ${noun}`} onClick={onRemove}>
            <Trash2 size={12} />
          </ActionIcon>
        )}
      </div>
      {isOpen && <div className={classes.itemBody}>{children}</div>}
    </div>
  );
}
