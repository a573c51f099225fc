/** A JSON value as a tree: collapsible, searchable, walked with the arrow keys. */
import { ActionIcon, TextInput, Tooltip } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { ChevronRight, ChevronsDownUp, ChevronsUpDown, Copy, Search, Table2, X } from "lucide-react";
import { type KeyboardEvent, useMemo, useRef, useState } from "react";
import { copyText } from "./copy";
import classes from "./data.module.css";
import { brief, isBlob, isTable } from "./kind-of-value";
import { childrenOf, firstOpen, joinPath, type TreeRow, treeRows } from "./tree";

interface JsonTreeProps {
  value: object;
  label: string;
  /** Opens a table or large value inside. */
  onOpen?: (path: string, value: unknown) => void;
  isCompact?: boolean;
}

function everyBranch(root: unknown, limit = 5_000): Set<string> {
  const open = new Set<string>();
  const walk = (value: unknown, base: string) => {
    for (const [key, child] of childrenOf(value)) {
      if (open.size >= limit) {
        return;
      }
      if (childrenOf(child).length > 0) {
        const path = joinPath(base, key);
        open.add(path);
        walk(child, path);
      }
    }
  };
  walk(root, "");
  return open;
}

export default function JsonTree({ value, label, onOpen, isCompact = false }: JsonTreeProps) {
  const [open, setOpen] = useState<ReadonlySet<string>>(() => firstOpen(value));
  const [shown, setShown] = useState(value);
  const [search, setSearch] = useState("");
  const [active, setActive] = useState(0);
  const scroller = useRef<HTMLDivElement>(null);
  if (shown !== value) {
    setShown(value);
    setOpen(firstOpen(value));
  }
  const rows = useMemo(() => treeRows(value, open, search), [value, open, search]);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 24,
    overscan: 12,
    initialRect: { width: 400, height: 320 },
  });

  const toggle = (row: TreeRow, to = !row.isOpen) => {
    const next = new Set(open);
    if (to) {
      next.add(row.path);
    } else {
      next.delete(row.path);
    }
    setOpen(next);
  };
  const go = (index: number) => {
    const at = Math.max(0, Math.min(rows.length - 1, index));
    setActive(at);
    virtual.scrollToIndex(at);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const row = rows[active];
    if (!row) {
      return;
    }
    if (event.key === "c" && (event.ctrlKey || event.metaKey) && !window.getSelection()?.toString()) {
      copyText(stringify(row.value), "Value copied");
    } else if (event.key === "ArrowDown") {
      go(active + 1);
    } else if (event.key === "ArrowUp") {
      go(active - 1);
    } else if (event.key === "Home") {
      go(0);
    } else if (event.key === "End") {
      go(rows.length - 1);
    } else if (event.key === "ArrowRight") {
      if (row.size > 0 && !row.isOpen) {
        toggle(row, true);
      } else {
        go(active + 1);
      }
    } else if (event.key === "ArrowLeft") {
      if (row.isOpen) {
        toggle(row, false);
      } else {
        const parent = rows.slice(0, active).findLastIndex((one) => one.depth < row.depth);
        go(parent < 0 ? active : parent);
      }
    } else if (event.key === "Enter" && (isTable(row.value) || isBlob(row.value))) {
      onOpen?.(row.path, row.value);
    } else if (event.key === "Enter" && row.size > 0) {
      toggle(row);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div className={classes.pane} data-compact={isCompact || undefined}>
      {!isCompact && (
        <div className={classes.bar}>
          <TextInput
            size="xs"
            leftSection={<Search size={13} />}
            placeholder="Search names and values"
            aria-label="Search names and values"
            value={search}
            onChange={(event) => setSearch(event.currentTarget.value)}
            rightSection={
              search && (
                <ActionIcon
                  size="xs"
                  variant="subtle"
                  color="gray"
                  aria-label="Clear search"
                  onClick={() => setSearch("")}
                >
                  <X size={12} />
                </ActionIcon>
              )
            }
            className={classes.search ?? ""}
          />
          <span className={classes.spacer} />
          <Tooltip label="Open all">
            <ActionIcon
              variant="subtle"
              color="gray"
              size="sm"
              aria-label="Open all"
              onClick={() => setOpen(everyBranch(value))}
            >
              <ChevronsUpDown size={14} />
            </ActionIcon>
          </Tooltip>
          <Tooltip label="Close all">
            <ActionIcon
              variant="subtle"
              color="gray"
              size="sm"
              aria-label="Close all"
              onClick={() => setOpen(new Set())}
            >
              <ChevronsDownUp size={14} />
            </ActionIcon>
          </Tooltip>
          <Tooltip label="Copy as JSON">
            <ActionIcon
              variant="subtle"
              color="gray"
              size="sm"
              aria-label="Copy as JSON"
              onClick={() => copyText(stringify(value), "JSON copied")}
            >
              <Copy size={14} />
            </ActionIcon>
          </Tooltip>
        </div>
      )}
      <div
        ref={scroller}
        className={classes.scroll}
        {...(isCompact ? { style: { height: Math.min(rows.length, 9) * 24 + 8, flex: "none" } } : {})}
        role="tree"
        aria-label={label}
        tabIndex={0}
        onKeyDown={onKeyDown}
        aria-activedescendant={rows[active] ? `${label}-${active}` : undefined}
      >
        {rows.length === 0 && (
          <div className={classes.quiet}>{search ? `Nothing holds “${search}”` : "Nothing in it"}</div>
        )}
        <div style={{ height: virtual.getTotalSize(), position: "relative" }}>
          {virtual.getVirtualItems().map((item) => {
            const row = rows[item.index];
            return row ? (
              <TreeLine
                key={row.path}
                id={`${label}-${item.index}`}
                row={row}
                top={item.start}
                isActive={item.index === active}
                onPick={() => setActive(item.index)}
                onToggle={() => toggle(row)}
                {...(onOpen ? { onOpen } : {})}
              />
            ) : null;
          })}
        </div>
      </div>
    </div>
  );
}

function stringify(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

interface TreeLineProps {
  id: string;
  row: TreeRow;
  top: number;
  isActive: boolean;
  onPick: () => void;
  onToggle: () => void;
  onOpen?: (path: string, value: unknown) => void;
}

function TreeLine({ id, row, top, isActive, onPick, onToggle, onOpen }: TreeLineProps) {
  const isRef = isTable(row.value) || isBlob(row.value);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the tree handles the keys.
    <div
      id={id}
      role="treeitem"
      tabIndex={-1}
      aria-level={row.depth + 1}
      aria-selected={isActive}
      {...(row.size > 0 ? { "aria-expanded": row.isOpen } : {})}
      className={classes.line}
      data-active={isActive || undefined}
      style={{ transform: `translateY(${top}px)`, paddingLeft: 6 + row.depth * 14 }}
      onClick={() => {
        onPick();
        if (row.size > 0) {
          onToggle();
        }
      }}
    >
      <span className={classes.twist} data-open={row.isOpen || undefined}>
        {row.size > 0 && <ChevronRight size={13} />}
      </span>
      <span className={classes.key}>{row.name}</span>
      {isRef ? (
        <button
          type="button"
          tabIndex={-1}
          className={classes.chip}
          onClick={(event) => {
            event.stopPropagation();
            onOpen?.(row.path, row.value);
          }}
        >
          <Table2 size={12} /> {brief(row.value)}
        </button>
      ) : (
        <span className={classes.value} data-type={row.value === null ? "null" : typeof row.value}>
          {row.size > 0 || (typeof row.value === "object" && row.value !== null)
            ? brief(row.value)
            : JSON.stringify(row.value)}
        </span>
      )}
      <span className={classes.tools}>
        <button
          type="button"
          tabIndex={-1}
          title="Copy the path"
          aria-label={`Copy the path ${row.path}`}
          onClick={(event) => {
            event.stopPropagation();
            copyText(row.path, "Path copied");
          }}
        >
          path
        </button>
        <button
          type="button"
          tabIndex={-1}
          title="Copy the value"
          aria-label={`Copy the value of ${row.path}`}
          onClick={(event) => {
            event.stopPropagation();
            copyText(stringify(row.value), "Value copied");
          }}
        >
          <Copy size={11} />
        </button>
      </span>
    </div>
  );
}
