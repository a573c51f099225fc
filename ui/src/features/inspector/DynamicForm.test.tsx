import { EditorView } from "@codemirror/view";
import { act, fireEvent, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { describe, expect, it } from "vitest";
import { memoryBackend } from "../../backend/memory";
import type { Field } from "../../bindings/Field";
import type { Problem } from "../../bindings/Problem";
import type { Widget } from "../../bindings/Widget";
import { renderWith } from "../../test-render";
import DynamicForm from "./DynamicForm";
import { FormContext, type FormContextValue } from "./form-context";
import type { Values } from "./form-values";

const field = (name: string, widget: Widget, more: Partial<Field> = {}): Field => ({
  name,
  widget,
  label: name,
  required: false,
  expression: false,
  secret: false,
  scope: [],
  ...more,
});

/** Draws a form over `first` and gives back a function that reads what it has become. */
function form(fields: Field[], first: Values = {}, more: Partial<FormContextValue> = {}): () => Values {
  let latest = first;
  const context: FormContextValue = {
    isReadOnly: false,
    problems: [],
    scopeFor: () => ({ steps: [], names: [], values: {} }),
    earlier: [{ id: "load", kind: "read_table", name: "Load customers" }],
    workflow: undefined,
    path: "/flows/a.baton.json",
    newGesture: () => undefined,
    wanted: null,
    ...more,
  };
  // biome-ignore lint/correctness/noComponentHookFactories: each test draws its form once.
  function Harness() {
    const [values, setValues] = useState(first);
    latest = values;
    return (
      <FormContext.Provider value={context}>
        <DynamicForm fields={fields} values={values} path="with" onChange={setValues} />
      </FormContext.Provider>
    );
  }
  renderWith(memoryBackend(), <Harness />);
  return () => latest;
}

const type = (control: Element, text: string) => fireEvent.change(control, { target: { value: text } });
const box = (name: string) => screen.getByTestId(`field-${name}`);
const input = (name: string) => {
  const found = box(name).querySelector("input:not([type=hidden]),textarea");
  if (!found) throw new Error(`no input in ${name}`);
  return found;
};

/** Writes into a CodeMirror field as a person does. */
function write(root: HTMLElement, text: string): void {
  const content = root.querySelector<HTMLElement>(".cm-content");
  const view = content && EditorView.findFromDOM(content);
  if (!view) throw new Error("no editor");
  act(() => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } }));
}

describe("DynamicForm", () => {
  it("writes texts, and takes empty ones out", () => {
    const values = form([field("title", "text")], { other: 1 });
    type(input("title"), "Hello");
    expect(values()).toEqual({ other: 1, title: "Hello" });
    type(input("title"), "");
    expect(values()).toEqual({ other: 1 });
  });

  it("keeps several lines as a list of lines", () => {
    const values = form([field("message", "lines")], { message: ["a", "b"] });
    expect((input("message") as HTMLTextAreaElement).value).toBe("a\nb");
    type(input("message"), "one");
    expect(values()).toEqual({ message: "one" });
    type(input("message"), "one\ntwo");
    expect(values()).toEqual({ message: ["one", "two"] });
  });

  it("keeps code as a list of lines", () => {
    const values = form([field("query", "code", { language: "sql" })], { query: ["SELECT 1", "FROM t"] });
    expect(box("query").textContent).toContain("FROM");
    write(box("query"), "SELECT 2\nFROM u");
    expect(values()).toEqual({ query: ["SELECT 2", "FROM u"] });
    write(box("query"), "SELECT 3");
    expect(values()).toEqual({ query: "SELECT 3" });
  });

  it("writes numbers, and keeps what is none out of the document", () => {
    const values = form([field("count", "number", { min: 1, max: 10 })], { count: 3 });
    type(input("count"), "7");
    expect(values()).toEqual({ count: 7 });
    type(input("count"), "seven");
    expect(values()).toEqual({ count: 7 });
    expect(box("count").textContent).toContain("write a number");
    type(input("count"), "70");
    expect(box("count").textContent).toContain("at most 10");
    type(input("count"), "");
    expect(values()).toEqual({});
  });

  it("writes switches that differ from the default", () => {
    const values = form([field("header", "switch", { default: true })]);
    fireEvent.click(input("header"));
    expect(values()).toEqual({ header: false });
    fireEvent.click(input("header"));
    expect(values()).toEqual({});
  });

  it("writes the value of a choice, not its text", () => {
    const options = [
      { value: 1, label: "One" },
      { value: 2, label: "Two" },
    ];
    const values = form([field("mode", "select", { options, default: 1 })]);
    fireEvent.click(screen.getByLabelText("Two"));
    expect(values()).toEqual({ mode: 2 });
    fireEvent.click(screen.getByLabelText("One"));
    expect(values()).toEqual({});
  });

  it("says what a duration looks like", () => {
    const values = form([field("wait", "duration")]);
    type(input("wait"), "1h30m");
    expect(values()).toEqual({ wait: "1h30m" });
    expect(box("wait").textContent).toContain("1 h 30 m");
    type(input("wait"), "soon");
    expect(box("wait").textContent).toContain("write a number with a unit");
  });

  it("writes paths of files relative to the workflow", async () => {
    const backend = { ...memoryBackend(), pickOpen: async () => "/flows/data/a.csv" };
    const values = form([field("path", "file")]);
    const { setBackend } = await import("../../backend/backend");
    setBackend(backend);
    fireEvent.click(screen.getByLabelText("Browse for path"));
    await waitFor(() => expect(values()).toEqual({ path: "data/a.csv" }));
  });

  it("writes the table of an earlier step as an expression", async () => {
    const values = form([field("table", "table", { expression: true })]);
    fireEvent.click(input("table"));
    fireEvent.click(await screen.findByText("Load customers · load"));
    expect(values()).toEqual({ table: "{% steps.load %}" });
  });

  it("writes expressions, and switches from plain and back", () => {
    const values = form([field("url", "text", { expression: true })], { url: "a" });
    fireEvent.click(within(screen.getByTestId("fx-url")).getByLabelText("fx"));
    expect(values()).toEqual({ url: '{% "a" %}' });
    write(box("url"), 'input.host & "/b"');
    expect(values()).toEqual({ url: '{% input.host & "/b" %}' });
    write(box("url"), '"b"');
    fireEvent.click(within(screen.getByTestId("fx-url")).getByLabelText("Plain"));
    expect(values()).toEqual({ url: "b" });
  });

  it("keeps a long expression of a multi-line field as lines", () => {
    const values = form([field("text", "lines", { expression: true })], { text: "{% a %}" });
    write(box("text"), "a &\nb");
    expect(values()).toEqual({ text: ["{% a &", "b %}"] });
  });

  it("writes an expression field without a switch", () => {
    const values = form([field("items", "expression", { expression: true })]);
    expect(screen.queryByTestId("fx-items")).toBeNull();
    write(box("items"), "steps.load.preview");
    expect(values()).toEqual({ items: "{% steps.load.preview %}" });
    write(box("items"), "");
    expect(values()).toEqual({});
  });

  it("writes conditions as sentences", () => {
    const values = form([field("when", "condition", { expression: true })]);
    type(screen.getByLabelText("Value 1", { selector: "input" }), "steps.load.rows");
    type(screen.getByLabelText("Compared with 1", { selector: "input" }), "100");
    expect(values()).toEqual({ when: "{% steps.load.rows = 100 %}" });
    fireEvent.click(screen.getByText("Add a part"));
    type(screen.getByLabelText("Value 2", { selector: "input" }), "input.tier");
    type(screen.getByLabelText("Compared with 2", { selector: "input" }), "gold");
    expect(values()).toEqual({ when: '{% steps.load.rows = 100 and input.tier = "gold" %}' });
  });

  it("writes lists of texts", async () => {
    const values = form([field("to", "strings")], { to: ["ada"] });
    await userEvent.type(screen.getByLabelText("to"), "alan{Enter}");
    expect(values()).toEqual({ to: ["ada", "alan"] });
  });

  it("writes names with values, plain or by expression", () => {
    const values = form([field("output", "mapping", { expression: true })], {
      output: { rows: "{% steps.load.rows %}" },
    });
    fireEvent.click(screen.getByText("Add a value"));
    type(screen.getByLabelText("Name 2 of output", { selector: "input" }), "limit");
    fireEvent.click(screen.getByLabelText("fx: expression for limit", { selector: "button" }));
    type(screen.getByLabelText("Value of limit"), "12");
    expect(values()).toEqual({ output: { rows: "{% steps.load.rows %}", limit: 12 } });
    fireEvent.click(screen.getByLabelText("Remove rows"));
    expect(values()).toEqual({ output: { limit: 12 } });
    fireEvent.click(screen.getByLabelText("Remove limit"));
    expect(values()).toEqual({});
  });

  it("adds, orders and removes rows of a list", () => {
    const rules = field("rules", "list", { fields: [field("column", "text", { required: true })] });
    const values = form([rules], { rules: [{ column: "a" }] });
    fireEvent.click(screen.getByText("Add a rule"));
    const columns = screen.getAllByTestId("field-column");
    type(columns[1]?.querySelector("input") as Element, "b");
    expect(values()).toEqual({ rules: [{ column: "a" }, { column: "b" }] });
    fireEvent.click(screen.getByLabelText("Move rule 2 up"));
    expect(values()).toEqual({ rules: [{ column: "b" }, { column: "a" }] });
    fireEvent.click(screen.getByLabelText("Remove rule 1"));
    expect(values()).toEqual({ rules: [{ column: "a" }] });
  });

  it("keeps the last readable JSON", () => {
    const values = form([field("body", "json")], { body: { a: 1 } });
    write(box("body"), '{ "a": 2 }');
    expect(values()).toEqual({ body: { a: 2 } });
    write(box("body"), '{ "a": ');
    expect(values()).toEqual({ body: { a: 2 } });
    expect(box("body").textContent).toContain("Not JSON yet");
  });

  it("makes a schema of questions and keeps what it does not know", () => {
    const first = {
      fields: { type: "object", properties: { note: { type: "string", "x-own": 1 } }, "x-top": true },
    };
    const values = form([field("fields", "schema")], first);
    fireEvent.click(screen.getByText("Add a question"));
    type(screen.getByLabelText("Name"), "budget");
    fireEvent.click(screen.getByLabelText("Needed"));
    expect(values()).toEqual({
      fields: {
        type: "object",
        "x-top": true,
        properties: { note: { type: "string", "x-own": 1 }, budget: { type: "string" } },
        required: ["budget"],
      },
    });
  });

  it("writes the workflow to run", () => {
    const values = form([field("workflow", "workflow")]);
    type(input("workflow"), "enrich.baton.json");
    expect(values()).toEqual({ workflow: "enrich.baton.json" });
  });

  it("shows a field only while another has the value it asks for", () => {
    const options = ["stop", "atMost"].map((value) => ({ value, label: value }));
    form([
      field("onFailure", "select", { options, default: "stop" }),
      field("percent", "number", { visibleWhen: { field: "onFailure", is: ["atMost"] } }),
    ]);
    expect(screen.queryByTestId("field-percent")).toBeNull();
    fireEvent.click(screen.getByLabelText("atMost"));
    expect(screen.getByTestId("field-percent")).toBeDefined();
  });

  it("shows findings under the field they are about", () => {
    const problem: Problem = {
      code: "required",
      severity: "error",
      place: { step: "gate", field: "with.rules[0].column" },
      message: "`column` is needed",
      hint: "name a column",
    };
    form(
      [field("rules", "list", { fields: [field("column", "text")] }), field("other", "text")],
      { rules: [{}] },
      { problems: [problem] },
    );
    expect(box("column").textContent).toContain("column is needed. Name a column");
    expect(box("other").textContent).not.toContain("needed");
    expect(input("column").getAttribute("aria-invalid")).toBe("true");
  });

  it("changes nothing when it is read-only", () => {
    form(
      [field("title", "text"), field("rules", "list", { fields: [] })],
      { title: "a" },
      { isReadOnly: true },
    );
    expect((input("title") as HTMLInputElement).readOnly).toBe(true);
    expect(screen.queryByText("Add a rule")).toBeNull();
  });
});
