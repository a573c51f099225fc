import type { RunView } from "../bindings/RunView";
import type { Workflow } from "../bindings/Workflow";
import { BackendError } from "./backend";
import { type MemoryTarget, plainChecked } from "./memory";

// Targets that stand in every way, for the made-up backend. Never part of a build.

/** A server that works, a cluster without a worker, and a server with a long name that does not answer. */
export function demoTargets(document: Workflow, run: RunView): MemoryTarget[] {
  const there: RunView = { ...run, summary: { ...run.summary, id: "t1", number: 7 } };
  const unheard: RunView = {
    ...run,
    summary: {
      ...run.summary,
      id: "c1",
      number: 3,
      status: "running",
      waitingFor: ["no worker is listening on the task queue `baton`"],
    },
  };
  const runs = (view: RunView) => ({
    run_list: () => ({ runs: [view.summary], total: 1 }),
    run_get: () => view,
    run_start: () => ({ run: view.summary.id }),
    run_events: () => ({ events: [], last: view.summary.seq }),
  });
  const unreachable = (): never => {
    throw new BackendError({
      code: "target-unreachable",
      message:
        "target `The old server`: nothing answers at `https://analytics-two.data-centre.example.com:18443`",
      hint: "look whether the server runs and the address is right",
    });
  };
  const [first] = document.steps;
  return [
    {
      line: {
        id: "production",
        name: "Production",
        place: { kind: "server", url: "https://baton.example.com:8443" },
        hasSecret: true,
      },
      checked: plainChecked({ can: { reset: false, pause: true, person: "ada" } }),
      problems: first
        ? [
            {
              code: "target-local-file",
              severity: "warning",
              place: { step: first.id, field: "with.path" },
              message: `\`${first.id}\` uses a file in the workspace folder of the server, not on this computer`,
              hint: "put the file there, or name one that the server has",
            },
          ]
        : [],
      handlers: runs(there),
    },
    {
      line: {
        id: "cluster",
        name: "Cluster in Frankfurt",
        place: {
          kind: "temporal",
          address: "localhost:7233",
          namespace: "default",
          taskQueue: "baton",
          tls: false,
        },
        hasSecret: false,
      },
      checked: plainChecked({
        findings: [
          { code: "server", ok: true, message: "Temporal 1.32 answers" },
          {
            code: "no-worker",
            ok: false,
            message: "no worker is listening on the task queue `baton`",
            hint: "start one with `baton worker`",
          },
        ],
        can: { reset: true, pause: true },
      }),
      handlers: runs(unheard),
    },
    {
      line: {
        id: "old",
        name: "The old server of the analytics team in the second data centre",
        place: { kind: "server", url: "https://analytics-two.data-centre.example.com:18443" },
        hasSecret: true,
      },
      checked: {
        ok: false,
        findings: [
          {
            code: "server-unreachable",
            ok: false,
            message: "nothing answers at `https://analytics-two.data-centre.example.com:18443`",
            hint: "look whether the server runs and the address is right",
          },
        ],
        can: { reset: false, pause: false },
      },
      handlers: { run_list: unreachable, inbox_list: unreachable, run_start: unreachable },
    },
  ];
}
