import { act, fireEvent, screen, waitFor, within } from "@testing-library/react";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { BackendError, setBackend } from "../../backend/backend";
import { type MemoryBackend, memoryBackend, plainChecked } from "../../backend/memory";
import { HERE } from "../../backend/target";
import type { TargetLine } from "../../bindings/TargetLine";
import { AskDialog } from "../../components/AskDialog";
import { useRights } from "../../state/rights";
import { useSettings } from "../../state/settings";
import { useTargets } from "../../state/targets";
import { renderWith } from "../../test-render";
import { PlaceLine } from "./PlaceLine";
import { TargetMenu } from "./TargetMenu";
import { TargetsDialog } from "./TargetsDialog";
import { draftOf, problemsOf, requestOf } from "./target-draft";
import { lookOf } from "./target-looks";

const server: TargetLine = {
  id: "prod",
  name: "Production",
  place: { kind: "server", url: "https://baton.example.com:8443" },
  hasSecret: true,
};
const cluster: TargetLine = {
  id: "cluster",
  name: "Cluster",
  place: { kind: "temporal", address: "a:7233", namespace: "n", taskQueue: "q", tls: false },
  hasSecret: false,
};
const noWorker = plainChecked({
  findings: [
    { code: "server", ok: true, message: "it answers" },
    { code: "no-worker", ok: false, message: "no worker is listening on `q`", hint: "start one" },
  ],
});

let backend: MemoryBackend;

beforeEach(async () => {
  backend = memoryBackend().givenTarget({ line: server }).givenTarget({ line: cluster, checked: noWorker });
  setBackend(backend);
  useRights.setState({ user: null });
  useSettings.setState({ panels: {} });
  useTargets.setState({
    chosen: HERE,
    list: null,
    error: null,
    standings: {},
    dialog: null,
    isMenuOpen: false,
  });
  await useTargets.getState().load();
});

describe("the selector", () => {
  it("shows this computer and what is kept, each with its state, and chooses by a press", async () => {
    renderWith(backend, <TargetMenu />);
    const button = screen.getByTestId("target-menu");
    expect(button.getAttribute("aria-label")).toBe("Where runs go: This computer");
    fireEvent.click(button);
    const prod = await screen.findByTestId("target-prod");
    await waitFor(() => expect(prod.textContent).toContain("Ready"));
    expect(prod.textContent).toContain("baton.example.com:8443");
    expect(screen.getByTestId("target-cluster").textContent).toContain("No worker");
    expect(screen.getByTestId("target-here").getAttribute("aria-checked")).toBe("true");
    fireEvent.click(prod);
    await waitFor(() => expect(useTargets.getState().chosen).toBe("prod"));
    await waitFor(() => expect(button.getAttribute("aria-label")).toBe("Where runs go: Production, ready"));
  });

  it("opens by its command, and leads to the dialogs", async () => {
    renderWith(
      backend,
      <>
        <TargetMenu />
        <TargetsDialog />
      </>,
    );
    act(() => useTargets.getState().openMenu(true));
    fireEvent.click(await screen.findByTestId("target-add"));
    expect(await screen.findByTestId("target-form")).toBeDefined();
    act(() => useTargets.getState().openMenu(true));
    fireEvent.click(await screen.findByTestId("target-manage"));
    expect(await screen.findByTestId("targets-list")).toBeDefined();
  });

  it("shows users of a server what their role does not allow", async () => {
    useRights.setState({ user: { name: "vic", roles: ["view"] } });
    renderWith(backend, <TargetMenu />);
    act(() => useTargets.getState().openMenu(true));
    const add = await screen.findByTestId("target-add");
    expect(add.hasAttribute("data-disabled") || add.hasAttribute("disabled")).toBe(true);
    expect(add.getAttribute("title")).toContain("role “admin”");
  });

  it("says that the list cannot be read, and tries again", async () => {
    backend.given("target_list", () => {
      throw new BackendError({ code: "store", message: "the store is locked" });
    });
    await useTargets.getState().load();
    renderWith(backend, <TargetMenu />);
    act(() => useTargets.getState().openMenu(true));
    expect((await screen.findByRole("alert")).textContent).toContain("The store is locked");
    backend.given("target_list", () => ({ targets: [server] }));
    fireEvent.click(screen.getByText("Try again"));
    await waitFor(() => expect(screen.queryByRole("alert")).toBeNull());
  });
});

describe("the form", () => {
  function open(target: TargetLine | null = null): void {
    useTargets.getState().show({ view: "form", target });
    renderWith(backend, <TargetsDialog />);
  }
  const write = (field: string, value: string) =>
    fireEvent.change(screen.getByTestId(`target-${field}`), { target: { value } });

  it("looks whether it works, with all that was found, before anything is kept", async () => {
    backend.given("target_try", () => ({
      ok: false,
      findings: [
        { code: "reachable", ok: true, message: "Baton answers" },
        { code: "token", ok: false, message: "this is not a token", hint: "ask for another" },
      ],
      can: { reset: false, pause: false },
    }));
    open();
    fireEvent.click(screen.getByTestId("target-try"));
    expect(screen.getAllByText("This is needed")).toHaveLength(3);
    expect(backend.requests("target_try")).toEqual([]);
    write("name", " Test ");
    write("url", "https://a.example/");
    write("secret", "baton_x");
    fireEvent.click(screen.getByTestId("target-try"));
    const findings = await screen.findByTestId("target-findings");
    expect(within(findings).getByLabelText("In order")).toBeDefined();
    expect(findings.textContent).toContain("Ask for another");
    expect(backend.requests("target_try")).toEqual([
      { name: "Test", place: { kind: "server", url: "https://a.example" }, secret: "baton_x" },
    ]);
    // What was found is about what was looked at.
    write("secret", "baton_y");
    expect(screen.queryByTestId("target-findings")).toBeNull();
    expect(backend.requests("target_add")).toEqual([]);
  });

  it("keeps a target and chooses it", async () => {
    backend.given("target_add", ({ name, place }) => {
      const line = { id: "new", name, place, hasSecret: true };
      backend.givenTarget({ line });
      return line;
    });
    open();
    write("name", "New");
    write("url", "https://new");
    write("secret", "baton_x");
    expect(screen.getByTestId<HTMLInputElement>("target-secret").type).toBe("password");
    fireEvent.submit(screen.getByTestId("target-form"));
    await waitFor(() => expect(useTargets.getState()).toMatchObject({ chosen: "new", dialog: null }));
  });

  it("says why a target is not kept, and keeps what was written", async () => {
    backend.given("target_add", () => {
      throw new BackendError({
        code: "conflict",
        message: "there is a target `New` already",
        hint: "take another name",
      });
    });
    open();
    write("name", "New");
    write("url", "https://new");
    write("secret", "baton_x");
    fireEvent.click(screen.getByTestId("target-keep"));
    expect((await screen.findByRole("alert")).textContent).toContain("Take another name");
    expect(screen.getByTestId<HTMLInputElement>("target-url").value).toBe("https://new");
  });

  it("never shows the secret that is kept, and leaves it when nothing is written", async () => {
    backend.given("target_add", ({ name, place }) => ({ id: "prod", name, place, hasSecret: true }));
    open(server);
    expect(screen.getByTestId<HTMLInputElement>("target-secret").value).toBe("");
    write("name", "Production 2");
    fireEvent.submit(screen.getByTestId("target-form"));
    await waitFor(() => expect(backend.requests("target_add")).toHaveLength(1));
    expect(backend.requests("target_add")[0]).toEqual({
      id: "prod",
      name: "Production 2",
      place: server.place,
    });
  });

  it("has the fields of a cluster", async () => {
    open();
    fireEvent.click(screen.getByText("Temporal cluster"));
    expect(screen.getByTestId<HTMLInputElement>("target-namespace").value).toBe("default");
    write("address", "nowhere");
    write("name", "C");
    fireEvent.click(screen.getByTestId("target-keep"));
    expect(screen.getByText("Name and port: localhost:7233")).toBeDefined();
    expect(backend.requests("target_add")).toEqual([]);
  });

  it("sends certificates only with TLS, and paths only where there are some", () => {
    const draft = { ...draftOf(cluster), tlsCa: "/ca.pem", blobs: " /srv " };
    expect(requestOf(draft, "cluster").place).toEqual({ ...cluster.place, blobs: "/srv" });
    expect(requestOf({ ...draft, tls: true }, undefined).place).toMatchObject({
      tls: true,
      tlsCa: "/ca.pem",
    });
    expect(problemsOf({ ...draft, tls: true, tlsCert: "/c.pem" }, false)).toEqual({
      tlsKey: "Certificate and key go together",
    });
  });
});

describe("the list", () => {
  it("says what to do when nothing is kept", async () => {
    backend.given("target_list", () => ({ targets: [] }));
    useTargets.getState().show({ view: "list" });
    renderWith(backend, <TargetsDialog />);
    expect(await screen.findByText("Runs go to this computer only")).toBeDefined();
    fireEvent.click(screen.getByTestId("targets-add"));
    expect(await screen.findByTestId("target-form")).toBeDefined();
  });

  it("asks before it removes, and gives the runs back to this computer", async () => {
    useTargets.getState().choose("prod");
    useTargets.getState().show({ view: "list" });
    renderWith(
      backend,
      <>
        <TargetsDialog />
        <AskDialog />
      </>,
    );
    fireEvent.click(await screen.findByTestId("target-remove-prod"));
    fireEvent.click(await screen.findByText("Cancel"));
    expect(backend.requests("target_remove")).toEqual([]);
    fireEvent.click(screen.getByTestId("target-remove-prod"));
    fireEvent.click(await screen.findByTestId("answer-remove"));
    await waitFor(() => expect(backend.requests("target_remove")).toEqual([{ target: "prod" }]));
    await waitFor(() => expect(useTargets.getState().chosen).toBe(HERE));
    expect(screen.queryByTestId("target-card-prod")).toBeNull();
  });
});

describe("how a target stands", () => {
  const standing = { isChecking: false, checked: null, error: null, user: null };
  const bad = (code: string, others: string[] = []) => ({
    ...standing,
    checked: plainChecked({
      ok: false,
      findings: [
        ...others.map((each) => ({ code: each, ok: true, message: "good" })),
        { code, ok: false, message: "bad" },
      ],
    }),
  });

  it("has a word for each way", () => {
    expect(lookOf({ ...standing, isChecking: true }).label).toBe("Looking");
    expect(lookOf({ ...standing, checked: plainChecked() }).label).toBe("Ready");
    expect(lookOf({ ...standing, checked: noWorker }).label).toBe("No worker");
    expect(lookOf(bad("server-unreachable")).label).toBe("Not reachable");
    expect(lookOf(bad("token", ["reachable"])).label).toBe("No access");
    expect(lookOf(bad("not-ready-disk", ["reachable"])).label).toBe("Not ready");
    const refused = new BackendError({ code: "target-refused", message: "no" });
    expect(lookOf({ ...standing, error: refused }).label).toBe("No access");
  });

  it("is said above the lists, with what is in the way", () => {
    useTargets.setState({ standings: { prod: bad("server-unreachable") } });
    vi.spyOn(console, "info").mockImplementation(() => undefined);
    const { rerender } = renderWith(backend, <PlaceLine target="prod" />);
    expect(screen.getByTestId("place-line").textContent).toBe("On ProductionNot reachableBad");
    rerender(<div />);
  });
});
