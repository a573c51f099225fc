import { act, fireEvent, screen, waitFor } from "@testing-library/react";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { memoryBackend } from "../../backend/memory";
import type { TableRef } from "../../bindings/TableRef";
import { renderWith } from "../../test-render";
import { toCsv } from "./csv";
import { pretendLayout } from "./test-layout";
import { firstOpen, treeRows } from "./tree";
import ValueView from "./ValueView";

const columns = [
  { name: "id", type: "integer" },
  { name: "name", type: "text" },
];
const table: TableRef = {
  $type: "table",
  artifact: "a".repeat(64),
  rows: 2_500,
  bytes: 2_048,
  columns,
  preview: [{ id: 0, name: "early" }],
};

/** A backend whose row 3 has no name. */
function tables() {
  return memoryBackend({
    table_page: ({ offset, limit, search }) => {
      const total = search ? 7 : 2_500;
      const length = Math.max(0, Math.min(limit, total - offset));
      return {
        columns,
        total,
        rows: Array.from({ length }, (_, index) => [
          offset + index,
          offset + index === 3 ? null : `row ${offset + index}`,
        ]),
      };
    },
  });
}

beforeAll(() => pretendLayout());

describe("a table", () => {
  it("reads a thousand rows at a time and shows only what is seen", async () => {
    const backend = tables();
    renderWith(backend, <ValueView value={table} label="Output" />);
    expect(screen.getByText("early")).toBeDefined();
    await screen.findByText("row 1");
    expect(backend.requests("table_page")).toEqual([
      { artifact: table.artifact, offset: 0, limit: 1_000, descending: false },
    ]);
    expect(screen.getAllByRole("row").length).toBeLessThan(60);
    expect(screen.getByText("null")).toBeDefined();
    expect(screen.getByTestId("data-table").textContent).toContain("2,500 rows · 2 columns · 2.0 KB");
  });

  it("reads the next page when the reader gets there", async () => {
    const backend = tables();
    renderWith(backend, <ValueView value={table} label="Output" />);
    await screen.findByText("row 1");
    const grid = screen.getByRole("grid");
    act(() => {
      grid.scrollTop = 27 * 1_500;
      fireEvent.scroll(grid);
    });
    await screen.findByText("row 1500");
    expect(backend.requests("table_page").at(-1)).toMatchObject({ offset: 1_000, limit: 1_000 });
  });

  it("sorts and searches in the backend", async () => {
    const backend = tables();
    renderWith(backend, <ValueView value={table} label="Output" />);
    await screen.findByText("row 1");
    fireEvent.click(screen.getByRole("columnheader", { name: /name/ }));
    await waitFor(() =>
      expect(backend.requests("table_page").at(-1)).toMatchObject({ sort: "name", descending: false }),
    );
    fireEvent.click(screen.getByRole("columnheader", { name: /name/ }));
    await waitFor(() =>
      expect(backend.requests("table_page").at(-1)).toMatchObject({ sort: "name", descending: true }),
    );
    fireEvent.change(screen.getByLabelText("Search all rows"), { target: { value: "ada" } });
    await waitFor(() => expect(backend.requests("table_page").at(-1)).toMatchObject({ search: "ada" }));
    await waitFor(() => expect(screen.getByTestId("data-table").textContent).toContain("7 of 2,500 rows"));
  });

  it("walks by keyboard and copies the cell", async () => {
    const writeText = vi.fn().mockResolvedValue(undefined);
    Object.defineProperty(navigator, "clipboard", { value: { writeText }, configurable: true });
    renderWith(tables(), <ValueView value={table} label="Output" />);
    await screen.findByText("row 1");
    const grid = screen.getByRole("grid");
    fireEvent.keyDown(grid, { key: "ArrowDown" });
    fireEvent.keyDown(grid, { key: "ArrowRight" });
    fireEvent.keyDown(grid, { key: "c", ctrlKey: true });
    expect(writeText).toHaveBeenCalledWith("row 1");
  });

  it("says so when the rows cannot be read", async () => {
    const backend = memoryBackend({
      table_page: () => {
        throw new Error("the artifact is gone");
      },
    });
    renderWith(backend, <ValueView value={table} label="Output" />);
    await screen.findByText("the artifact is gone");
    expect(screen.getByText("Try again")).toBeDefined();
  });
});

describe("other values", () => {
  it("opens a table inside a structure", async () => {
    renderWith(tables(), <ValueView value={{ result: table, count: 2 }} label="Output" />);
    fireEvent.click(screen.getByText(/table · 2,500 rows/));
    await screen.findByTestId("data-table");
    fireEvent.click(screen.getByRole("button", { name: "Output" }));
    expect(screen.queryByTestId("data-table")).toBeNull();
  });

  it("reads a large value only when it is asked for", async () => {
    const backend = memoryBackend({ blob_get: () => ({ value: { whole: "yes" } }) });
    renderWith(
      backend,
      <ValueView
        value={{ $type: "blob", artifact: "b", bytes: 70_000, preview: '{"whole":' }}
        label="Output"
      />,
    );
    expect(backend.requests("blob_get")).toEqual([]);
    fireEvent.click(screen.getByText("Show all of it"));
    await screen.findByText('"yes"');
  });

  it("opens and closes branches by keyboard, and searches them", () => {
    renderWith(memoryBackend(), <ValueView value={{ a: { b: { c: 1 } } }} label="Output" />);
    const tree = screen.getByRole("tree");
    expect(screen.getAllByRole("treeitem")).toHaveLength(3);
    fireEvent.keyDown(tree, { key: "ArrowLeft" });
    expect(screen.getAllByRole("treeitem")).toHaveLength(1);
    fireEvent.keyDown(tree, { key: "ArrowRight" });
    expect(screen.getAllByRole("treeitem")).toHaveLength(3);
    fireEvent.change(screen.getByLabelText("Search names and values"), { target: { value: "zzz" } });
    expect(screen.getByText("Nothing holds “zzz”")).toBeDefined();
  });

  it("knows the paths that expressions use", () => {
    const value = { list: [{ "first name": "Ada" }] };
    expect(treeRows(value, firstOpen(value)).map((row) => row.path)).toEqual([
      "list",
      "list[0]",
      "list[0].`first name`",
    ]);
    expect(treeRows({ a: 1, b: { c: "needle" } }, new Set(), "needle").map((row) => row.path)).toEqual([
      "b",
      "b.c",
    ]);
  });

  it("quotes what CSV must quote", () => {
    expect(
      toCsv(
        ["a", "b"],
        [
          ["x,y", null],
          ['say "hi"', { c: 1 }],
        ],
      ),
    ).toBe('a,b\r\n"x,y",\r\n"say ""hi""","{""c"":1}"');
  });
});
