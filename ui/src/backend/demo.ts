import type { Category } from "../bindings/Category";
import type { KindInfo } from "../bindings/KindInfo";
import type { Port } from "../bindings/Port";
import type { RunView } from "../bindings/RunView";
import type { Step } from "../bindings/Step";
import type { StepStatus } from "../bindings/StepStatus";
import type { Workflow } from "../bindings/Workflow";
import type { Backend } from "./backend";
import { demoTargets } from "./demo-targets";
import { demoTriggers } from "./demo-triggers";
import { memoryBackend, plainCheck } from "./memory";

// A made-up backend to look at the UI without Rust: `npm run -w ui dev`, then `/?memory`. Never part of a build.

function kind(
  name: string,
  title: string,
  category: Category,
  icon: string,
  ports: [string, string][] = [],
  isContainer = false,
): KindInfo {
  return {
    kind: name,
    title,
    summary: `${title}: what this kind of step is good for, in one sentence.`,
    category,
    icon,
    ports: ports.map(([port, words]): Port => ({ name: port, title: words })),
    effect: "pure",
    isControl: category === "flow",
    isContainer,
    form: {
      fields: [
        {
          name: "path",
          widget: "file",
          label: "File",
          required: true,
          expression: true,
          secret: false,
          scope: [],
        },
      ],
    },
    schema: { type: "object" },
    output: [["rows", "number of rows"]],
  };
}

const kinds: KindInfo[] = [
  kind("read_table", "Read table", "data", "file-spreadsheet"),
  kind("query", "SQL query", "data", "database"),
  kind("write_table", "Write table", "data", "file-output"),
  kind("set_values", "Set values", "data", "variable"),
  kind("quality_gate", "Quality gate", "quality", "shield-check", [
    ["pass", "Passed"],
    ["fail", "Failed"],
  ]),
  kind("profile", "Profile", "quality", "chart-column"),
  kind("decision", "Decision", "flow", "split", [
    ["large", "Large order"],
    ["else", "Otherwise"],
  ]),
  kind("rules", "Decision table", "flow", "table-properties", [
    ["matched", "Matched"],
    ["unmatched", "No match"],
  ]),
  kind("merge", "Merge", "flow", "merge"),
  kind("for_each", "For each", "flow", "repeat-2", [], true),
  kind(
    "repeat",
    "Repeat",
    "flow",
    "refresh-cw",
    [
      ["done", "Done"],
      ["exhausted", "Gave up"],
    ],
    true,
  ),
  kind("scope", "Scope", "flow", "group", [], true),
  kind("workflow", "Sub-workflow", "flow", "workflow"),
  kind("end", "End", "flow", "flag"),
  kind("fail", "Fail", "flow", "octagon-x"),
  kind("approval", "Approval", "people", "stamp", [
    ["approved", "Approved"],
    ["rejected", "Rejected"],
    ["expired", "Expired"],
  ]),
  kind("form", "Form", "people", "clipboard-pen", [
    ["submitted", "Submitted"],
    ["expired", "Expired"],
  ]),
  kind("wait", "Wait", "time", "timer"),
  kind("wait_for", "Wait for event", "time", "radio", [
    ["received", "Received"],
    ["expired", "Expired"],
  ]),
  kind("http_request", "HTTP request", "systems", "globe"),
  kind("run_program", "Run program", "systems", "square-terminal"),
  kind("notify", "Notify", "messages", "bell"),
  kind("send_mail", "Send mail", "messages", "mail"),
];

const step = (id: string, of: string, name: string, rest: Partial<Step> = {}): Step => ({
  id,
  kind: of,
  name,
  ...rest,
});

const churn: Workflow = {
  format: 1,
  id: "churn_retention",
  name: "Churn retention",
  about: { purpose: "Finds customers who may leave and offers them something, after a person agreed." },
  triggers: [
    {
      id: "workdays",
      kind: "schedule",
      cron: "0 6 * * 1-5",
      timeZone: "Europe/Berlin",
    } as Workflow["triggers"][number],
    { id: "order", kind: "webhook", path: "orders", secret: "shop-hook" } as Workflow["triggers"][number],
  ],
  steps: [
    step("load", "read_table", "Load customers"),
    step("gate", "quality_gate", "Quality gate"),
    step("score", "query", "Score customers"),
    step("each", "for_each", "For each segment", {
      body: {
        steps: [
          step("offer", "set_values", "Choose an offer"),
          step("letter", "write_table", "Write the list"),
        ],
        edges: [{ from: "offer", to: "letter" }],
      },
    }),
    step("approve", "approval", "Approve the offers"),
    step("send", "send_mail", "Send offers"),
    step("alert", "notify", "Tell the data team"),
    step("done", "end", "Published"),
    step("kept", "end", "Kept back", { disabled: true }),
  ],
  edges: [
    { from: "load", to: "gate" },
    { from: "gate.pass", to: "score" },
    { from: "gate.fail", to: "alert" },
    { from: "load", to: "alert", on: "error" },
    { from: "score", to: "each", when: "{% steps.score.rows > 0 %}" },
    { from: "each", to: "approve" },
    { from: "approve.approved", to: "send" },
    { from: "approve.rejected", to: "kept" },
    { from: "send", to: "done" },
  ],
  notes: [
    {
      id: "note",
      text: ["Scores come from the model of the", "last quarter. Ask Ada before changing", "the threshold."],
      color: "yellow",
    },
  ],
  layout: {
    load: [0, 160],
    gate: [300, 160],
    score: [600, 100],
    each: [900, 40],
    offer: [20, 80],
    letter: [300, 80],
    approve: [1540, 80],
    send: [1840, 40],
    alert: [600, 320],
    done: [2140, 40],
    kept: [1840, 200],
    note: [0, -40],
  },
};

function large(count: number): Workflow {
  const steps: Step[] = [];
  const edges: Workflow["edges"] = [];
  const layout: NonNullable<Workflow["layout"]> = {};
  const names = ["read_table", "query", "http_request", "notify", "set_values", "wait", "write_table"];
  for (let index = 0; index < count; index += 1) {
    const id = `step_${index}`;
    steps.push(step(id, names[index % names.length] ?? "query", `Step ${index}`));
    layout[id] = [Math.floor(index / 25) * 320, (index % 25) * 120];
    if (index >= 25) edges.push({ from: `step_${index - 25}`, to: id });
    if (index >= 26 && index % 3 === 0) edges.push({ from: `step_${index - 26}`, to: id });
  }
  return { ...churn, id: "large", name: `Large (${count} steps)`, steps, edges, notes: [], layout };
}

const byPath: Record<string, Workflow> = {
  "/flows/churn.baton.json": churn,
  "/flows/large.baton.json": large(1_000),
};

const picture =
  "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 300 110' fill='none' stroke='#8b8fa3' stroke-width='2'><path d='M70 55h30M170 40h30M170 70c20 0 10 20 30 20'/><g fill='#fff'><rect x='10' y='40' width='60' height='30' rx='6'/><rect x='100' y='30' width='70' height='50' rx='6'/><rect x='200' y='25' width='80' height='30' rx='6'/><rect x='200' y='75' width='80' height='30' rx='6'/></g></svg>";

function check(document: Workflow) {
  const found = plainCheck(document);
  const fix = (steps: Step[]): void => {
    for (const each of steps) {
      const facts = found.steps[each.id];
      const of = kinds.find((one) => one.kind === each.kind);
      if (!facts) continue;
      facts.ports = of?.ports ?? [];
      facts.isKnown = of !== undefined;
      facts.summary =
        each.kind === "read_table"
          ? "customers.csv"
          : each.kind === "approval"
            ? "retention-lead"
            : each.kind === "query"
              ? "12 lines of SQL"
              : "";
      if (each.kind === "wait" && !each.with?.for) {
        found.problems.push({
          code: "missing-field",
          severity: "error",
          place: { step: each.id, field: "with.for" },
          message: "`for` or `until` is needed",
          hint: "say how long, such as `10m`",
        });
      }
      if (each.kind === "send_mail") {
        found.problems.push({
          code: "unsafe-retry",
          severity: "warning",
          place: { step: each.id },
          message: "sending twice would send two mails",
          hint: "after a crash a person is asked",
        });
      }
      if (each.body) fix(each.body.steps);
    }
  };
  fix(document.steps);
  found.digest = `digest-${JSON.stringify([document.steps, document.edges]).length}`;
  return found;
}

function runOf(document: Workflow): RunView {
  const states: Record<string, StepStatus> = {
    load: "succeeded",
    gate: "succeeded",
    score: "succeeded",
    each: "succeeded",
    approve: "waiting",
    alert: "skipped",
  };
  const now = Date.now();
  return {
    summary: {
      id: "r1",
      number: 41,
      workflow: document.id,
      workflowName: document.name,
      digest: check(document).digest,
      status: "waiting",
      startedAt: now - 60_000,
      seq: 20,
      stepsDone: 5,
      stepsTotal: 9,
      waitingFor: ["an answer of retention-lead"],
    },
    document,
    seq: 20,
    at: now,
    status: "waiting",
    steps: {
      ...Object.fromEntries(
        Object.entries(states).map(([id, status]) => [
          id,
          {
            status,
            attempt: 1,
            attempts: 1,
            with: {},
            output: null,
            startedAt: now - 50_000,
            ...(id === "gate" ? { port: "pass" } : {}),
          },
        ]),
      ),
      "each[0]/offer": { status: "succeeded", attempt: 1, attempts: 1, with: {}, output: {} },
      "each[0]/letter": { status: "succeeded", attempt: 2, attempts: 3, with: {}, output: {} },
    },
    edges: {
      "load->gate": { taken: true },
      "gate.pass->score": { taken: true },
      "gate.fail->alert": { taken: false },
      "load->alert!error": { taken: false },
      "score->each": { taken: true },
      "each->approve": { taken: true },
      "each[0]/offer->letter": { taken: true },
    },
    input: { threshold: 0.7 },
    outputs: null,
  };
}

export function demoBackend(): Backend {
  const backend = memoryBackend({
    ...demoTriggers,
    catalog_list: () => ({ kinds }),
    sample_list: () => ({
      samples: [
        {
          id: "churn_retention",
          name: "Churn retention",
          purpose: "Finds customers who may leave and offers them something, after a person agreed.",
          tags: ["crm", "approval"],
          path: "/flows/churn.baton.json",
          steps: 11,
          svg: picture,
        },
        {
          id: "large",
          name: "A thousand steps",
          purpose: "Shows that a very large workflow stays fluid.",
          tags: ["speed"],
          path: "/flows/large.baton.json",
          steps: 1_000,
          svg: picture,
        },
        {
          id: "invoice",
          name: "Invoice check",
          purpose: "Reads invoices, compares them with orders and asks where they differ.",
          tags: ["finance"],
          path: "/flows/churn.baton.json",
          steps: 9,
          svg: picture,
        },
        {
          id: "report",
          name: "Weekly report",
          purpose: "Collects figures every Monday, writes a table and tells the team.",
          tags: ["report", "schedule"],
          path: "/flows/churn.baton.json",
          steps: 6,
          svg: picture,
        },
      ],
    }),
    recent_list: () => ({
      files: new URLSearchParams(location.search).has("empty")
        ? []
        : [
            {
              path: "/home/you/flows/churn.baton.json",
              name: "Churn retention",
              at: Date.now() - 7_200_000,
              exists: true,
            },
            {
              path: "/home/you/flows/old.baton.json",
              name: "Old import",
              at: Date.now() - 9e8,
              exists: false,
            },
          ],
    }),
    workflow_open: ({ path }) => {
      const document = byPath[path] ?? churn;
      return {
        document,
        path,
        revision: "r",
        readOnly: null,
        check: check(document),
        draft: null,
        trust: { trusted: true, effects: [] },
      };
    },
    workflow_check: ({ document }) => check(document),
    folder_list: ({ path }) => ({
      path: path ?? "/work",
      parent: path === null || path === "/work" ? "/" : "/work",
      entries: [
        { name: "data", path: "/flows/data", isFolder: true, bytes: 0, modified: 0 },
        {
          name: "churn.baton.json",
          path: "/flows/churn.baton.json",
          isFolder: false,
          bytes: 2_400,
          modified: 0,
        },
      ],
    }),
    run_start: () => ({ run: "r1" }),
    run_events: () => ({ events: [], last: 20 }),
  });
  backend.givenRun(runOf(churn));
  for (const target of demoTargets(churn, runOf(churn))) backend.givenTarget(target);
  return backend;
}
