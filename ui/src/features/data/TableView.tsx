// biome-ignore-all lint/a11y/useSemanticElements: a grid of virtual rows cannot be made of table elements.
/** A table of any length: rows come from the backend, a thousand at a time, and only those that are seen. */
import { ActionIcon, Alert, Button, Loader, TextInput, Tooltip } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQueries, useQueryClient } from "@tanstack/react-query";
import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowDown, ArrowUp, Copy, FileSpreadsheet, RefreshCw, Search, X } from "lucide-react";
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import { toBackendError } from "../../backend/backend";
import { tableQuery } from "../../backend/queries";
import type { Column } from "../../bindings/Column";
import type { TablePage } from "../../bindings/TablePage";
import type { TableRef } from "../../bindings/TableRef";
import { tellError } from "../../state/tell";
import { useWhere } from "../../state/where";
import { copyText } from "./copy";
import { cellText, toCsv } from "./csv";
import classes from "./data.module.css";
import { clip, formatBytes } from "./kind-of-value";

/** The most that one request may ask for. */
export const PAGE_ROWS = 1_000;
const ROW_HEIGHT = 27;

interface TableViewProps {
  table: TableRef;
  label: string;
}

interface Order {
  column: string;
  descending: boolean;
}

const isNumeric = (column: Column) => column.type === "integer" || column.type === "number";

/** Wide enough for the name and what the first rows hold. */
function widthOf(column: Column, preview: readonly Record<string, unknown>[]): number {
  const longest = Math.max(
    column.name.length + 5,
    ...preview.slice(0, 20).map((row) => Math.min(cellText(row[column.name]).length, 40)),
  );
  return Math.max(76, Math.min(320, 26 + longest * 7.2));
}

export default function TableView({ table, label }: TableViewProps) {
  const client = useQueryClient();
  const where = useWhere();
  const [typed, setTyped] = useState("");
  const [search] = useDebouncedValue(typed.trim(), 250);
  const [order, setOrder] = useState<Order | null>(null);
  const [cell, setCell] = useState({ row: 0, column: 0 });
  const scroller = useRef<HTMLDivElement>(null);
  const columns = table.columns;
  const widths = useMemo(
    () => columns.map((column) => widthOf(column, table.preview)),
    [columns, table.preview],
  );
  const template = `56px ${widths.map((width) => `${Math.round(width)}px`).join(" ")}`;
  const total = 56 + widths.reduce((sum, width) => sum + width, 0);

  const request = (page: number): TablePage => ({
    artifact: table.artifact,
    offset: page * PAGE_ROWS,
    limit: PAGE_ROWS,
    descending: order?.descending ?? false,
    ...(order ? { sort: order.column } : {}),
    ...(search ? { search } : {}),
  });

  const [count, setCount] = useState(table.rows);
  const virtual = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 10,
    initialRect: { width: 600, height: 320 },
  });
  const items = virtual.getVirtualItems();
  const firstPage = Math.floor((items[0]?.index ?? 0) / PAGE_ROWS);
  const lastPage = Math.floor((items.at(-1)?.index ?? 0) / PAGE_ROWS);
  const pages = firstPage === lastPage ? [firstPage] : [firstPage, lastPage];
  const answers = useQueries({
    queries: pages.map((page) => ({
      ...tableQuery(where, request(page)),
      placeholderData: keepPreviousData,
      gcTime: 30_000,
    })),
  });
  const answer = answers.find((one) => one.data !== undefined && !one.isPlaceholderData);
  const failure = answers.find((one) => one.error)?.error;
  const isLoading = answers.some((one) => one.isFetching);
  const known = answer?.data?.total;
  useEffect(() => {
    if (known !== undefined) {
      setCount(known);
    }
  }, [known]);

  // Until the first page is here, the preview that came with the reference stands in.
  const rowAt = (index: number): readonly unknown[] | undefined => {
    const page = Math.floor(index / PAGE_ROWS);
    const rows = answers[pages.indexOf(page)]?.data?.rows;
    if (rows) {
      return rows[index - page * PAGE_ROWS];
    }
    const early = order === null && search === "" ? table.preview[index] : undefined;
    return early && columns.map((column) => early[column.name]);
  };

  const sortBy = (column: string) => {
    setOrder((before) =>
      before?.column !== column
        ? { column, descending: false }
        : before.descending
          ? null
          : { column, descending: true },
    );
    scroller.current?.scrollTo({ top: 0 });
  };
  const go = (row: number, column: number) => {
    const at = {
      row: Math.max(0, Math.min(count - 1, row)),
      column: Math.max(0, Math.min(columns.length - 1, column)),
    };
    setCell(at);
    virtual.scrollToIndex(at.row);
    const left = widths.slice(0, at.column).reduce((sum, width) => sum + width, 0);
    const box = scroller.current;
    if (box) {
      const width = widths[at.column] ?? 0;
      if (left < box.scrollLeft) {
        box.scrollLeft = left;
      } else if (left + width + 56 > box.scrollLeft + box.clientWidth) {
        box.scrollLeft = left + width + 56 - box.clientWidth;
      }
    }
  };
  const copyCell = () => copyText(cellText(rowAt(cell.row)?.[cell.column]), "Cell copied");
  const moves: Record<string, [number, number]> = {
    ArrowDown: [1, 0],
    ArrowUp: [-1, 0],
    ArrowRight: [0, 1],
    ArrowLeft: [0, -1],
    PageDown: [15, 0],
    PageUp: [-15, 0],
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const isMod = event.ctrlKey || event.metaKey;
    const move = moves[event.key];
    if (event.key === "c" && isMod) {
      copyCell();
    } else if (move) {
      go(cell.row + move[0], cell.column + move[1]);
    } else if (event.key === "Home") {
      go(isMod ? 0 : cell.row, 0);
    } else if (event.key === "End") {
      go(isMod ? count - 1 : cell.row, columns.length - 1);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  const copyCsv = async () => {
    try {
      const page = await client.fetchQuery(tableQuery(where, request(0)));
      copyText(
        toCsv(
          columns.map((column) => column.name),
          page.rows,
        ),
        page.total > page.rows.length
          ? `First ${page.rows.length.toLocaleString("en")} rows copied`
          : "Rows copied as CSV",
      );
    } catch (error) {
      tellError("Not copied", error);
    }
  };

  return (
    <div className={classes.pane} data-testid="data-table">
      <div className={classes.bar}>
        <TextInput
          size="xs"
          leftSection={<Search size={13} />}
          placeholder="Search all rows"
          aria-label="Search all rows"
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          rightSection={
            typed && (
              <ActionIcon
                size="xs"
                variant="subtle"
                color="gray"
                aria-label="Clear search"
                onClick={() => setTyped("")}
              >
                <X size={12} />
              </ActionIcon>
            )
          }
          className={classes.search ?? ""}
        />
        <span className={classes.count} aria-live="polite">
          {search
            ? `${count.toLocaleString("en")} of ${table.rows.toLocaleString("en")} rows`
            : `${table.rows.toLocaleString("en")} ${table.rows === 1 ? "row" : "rows"}`}
          {" · "}
          {columns.length} {columns.length === 1 ? "column" : "columns"}
          {" · "}
          {formatBytes(table.bytes)}
        </span>
        {isLoading && <Loader size={13} aria-label="Reading rows" />}
        <span className={classes.spacer} />
        <Tooltip label="Copy the cell (Mod+C)">
          <ActionIcon variant="subtle" color="gray" size="sm" aria-label="Copy the cell" onClick={copyCell}>
            <Copy size={14} />
          </ActionIcon>
        </Tooltip>
        <Button
          size="compact-xs"
          variant="subtle"
          color="gray"
          leftSection={<FileSpreadsheet size={13} />}
          onClick={() => void copyCsv()}
        >
          {count > PAGE_ROWS ? "Copy 1,000 rows as CSV" : "Copy as CSV"}
        </Button>
      </div>
      {failure && (
        <Alert color="red" variant="light" title="The rows cannot be read" m="xs">
          {toBackendError(failure).message}
          <Button
            size="compact-xs"
            variant="subtle"
            leftSection={<RefreshCw size={12} />}
            onClick={() => {
              for (const one of answers) {
                void one.refetch();
              }
            }}
          >
            Try again
          </Button>
        </Alert>
      )}
      <div
        ref={scroller}
        className={classes.scroll}
        role="grid"
        aria-label={label}
        aria-rowcount={count + 1}
        aria-colcount={columns.length}
        aria-activedescendant={`${table.artifact.slice(0, 8)}-${cell.row}-${cell.column}`}
        tabIndex={0}
        onKeyDown={onKeyDown}
      >
        <div
          className={classes.head}
          role="row"
          tabIndex={-1}
          style={{ gridTemplateColumns: template, minWidth: total }}
        >
          <span className={classes.number} aria-hidden="true">
            #
          </span>
          {columns.map((column) => {
            const isSorted = order?.column === column.name;
            return (
              <button
                key={column.name}
                type="button"
                role="columnheader"
                aria-sort={isSorted ? (order.descending ? "descending" : "ascending") : "none"}
                className={classes.column}
                data-numeric={isNumeric(column) || undefined}
                title={`${column.name}: ${column.type}. Click to sort.`}
                onClick={() => sortBy(column.name)}
              >
                <b>{column.name}</b>
                <small>{column.type}</small>
                {isSorted && (order.descending ? <ArrowDown size={12} /> : <ArrowUp size={12} />)}
              </button>
            );
          })}
        </div>
        <div style={{ height: virtual.getTotalSize(), minWidth: total, position: "relative" }}>
          {items.map((item) => {
            const row = rowAt(item.index);
            return (
              <div
                key={item.key}
                role="row"
                tabIndex={-1}
                aria-rowindex={item.index + 2}
                className={classes.row}
                style={{ gridTemplateColumns: template, transform: `translateY(${item.start}px)` }}
              >
                <span className={classes.number} aria-hidden="true">
                  {(item.index + 1).toLocaleString("en")}
                </span>
                {columns.map((column, index) => (
                  <Cell
                    key={column.name}
                    id={`${table.artifact.slice(0, 8)}-${item.index}-${index}`}
                    value={row?.[index]}
                    isHere={row !== undefined}
                    isNumeric={isNumeric(column)}
                    isActive={cell.row === item.index && cell.column === index}
                    onPick={() => setCell({ row: item.index, column: index })}
                  />
                ))}
              </div>
            );
          })}
        </div>
        {count === 0 && (
          <div className={classes.quiet}>{search ? `No row holds “${search}”` : "The table has no rows"}</div>
        )}
      </div>
    </div>
  );
}

interface CellProps {
  id: string;
  value: unknown;
  isHere: boolean;
  isNumeric: boolean;
  isActive: boolean;
  onPick: () => void;
}

function Cell({ id, value, isHere, isNumeric: right, isActive, onPick }: CellProps) {
  const text = cellText(value);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the grid handles the keys.
    <span
      id={id}
      role="gridcell"
      tabIndex={-1}
      className={classes.cell}
      data-numeric={right || undefined}
      data-active={isActive || undefined}
      title={text.length > 30 ? clip(text, 500) : undefined}
      onClick={onPick}
    >
      {!isHere ? (
        <span className={classes.pending} />
      ) : value === null || value === undefined ? (
        <span className={classes.null}>null</span>
      ) : text === "" ? (
        <span className={classes.null}>empty</span>
      ) : (
        clip(text, 200)
      )}
    </span>
  );
}
