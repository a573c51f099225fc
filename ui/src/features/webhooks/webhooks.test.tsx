import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { BackendError } from "../../backend/backend";
import { memoryBackend, plainWebhooks } from "../../backend/memory";
import type { HookView } from "../../bindings/HookView";
import type { Trigger } from "../../bindings/Trigger";
import type { WebhookView } from "../../bindings/WebhookView";
import { useSystem } from "../../state/system";
import { renderWith } from "../../test-render";
import WebhookHint from "./WebhookHint";
import { Webhooks } from "./WebhooksDialog";
import { callOf, curlOf, isAboutWebhooks, stateOf, variableOf, withoutCode } from "./webhook-words";

const hook = (more: Partial<HookView> = {}): HookView => ({
  workflow: "orders",
  trigger: "order",
  path: "/hooks/orders",
  auth: "hmac",
  header: "x-baton-signature",
  timestampHeader: "x-baton-timestamp",
  variable: "BATON_SECRET_SHOP_HOOK",
  hasSecret: true,
  perMinute: 600,
  mostWaiting: 1_000,
  accepted: 0,
  duplicates: 0,
  refused: [],
  ...more,
});

const listening: WebhookView = {
  ...plainWebhooks(),
  isOn: true,
  listening: "http://127.0.0.1:8787",
  hooks: [hook({ url: "http://127.0.0.1:8787/hooks/orders" })],
};

const trigger = { id: "order", kind: "webhook", path: "orders", secret: "shop-hook" } as unknown as Trigger;

describe("Webhooks", () => {
  it("are off until a person switches them on", async () => {
    const backend = memoryBackend({ webhook_set: () => listening });
    renderWith(backend, <Webhooks />);
    expect((await screen.findByTestId("webhook-state")).textContent).toContain("Off");
    fireEvent.click(screen.getByTestId("webhook-switch"));
    await waitFor(() => expect(backend.requests("webhook_set")).toEqual([{ isOn: true }]));
  });

  it("show each address, what was taken and what was refused with the reason", async () => {
    const refused = {
      code: "webhook-signature",
      count: 3,
      lastAt: Date.now(),
      message: "the signature is wrong",
    };
    const view = { ...listening, hooks: [hook({ accepted: 2, refused: [refused] })] };
    renderWith(memoryBackend({ webhook_get: () => view }), <Webhooks />);
    const card = await screen.findByTestId("hook-orders-order");
    expect(within(card).getByTestId("hook-url").textContent).toBe("http://127.0.0.1:8787/hooks/orders");
    expect(within(card).getByTestId("hook-accepted").textContent).toContain("Taken 2 times");
    expect(within(card).getByTestId("refused-webhook-signature").textContent).toContain(
      "Refused 3 times, last just now: the signature is wrong",
    );
  });

  it("say why nobody listens, and offer another port", async () => {
    const trouble = "webhook-port: hooks cannot listen on 127.0.0.1:8787: another program uses that port";
    const backend = memoryBackend({
      webhook_get: () => ({ ...plainWebhooks(), isOn: true, trouble }),
      webhook_set: () => listening,
    });
    renderWith(backend, <Webhooks />);
    const state = await screen.findByTestId("webhook-state");
    expect(state.textContent).toContain("another program uses that port");
    expect(state.textContent).not.toContain("webhook-port");
    fireEvent.click(screen.getByTestId("webhook-next-port"));
    await waitFor(() => expect(backend.requests("webhook_set")).toEqual([{ port: 8_788 }]));
  });

  it("cannot be switched where the start of this Baton decided", async () => {
    renderWith(
      memoryBackend({ webhook_get: () => ({ ...listening, portOfThisStart: 8_787 }) }),
      <Webhooks />,
    );
    expect(((await screen.findByTestId("webhook-switch")) as HTMLInputElement).disabled).toBe(true);
    expect(screen.getByText(/That holds until it ends/)).toBeDefined();
  });

  it("say what to do where a secret is missing, and take no port that is none", async () => {
    const view = { ...listening, hooks: [hook({ hasSecret: false })] };
    renderWith(memoryBackend({ webhook_get: () => view }), <Webhooks />);
    expect((await screen.findByTestId("hook-orders-order")).textContent).toContain(
      "Set the environment variable BATON_SECRET_SHOP_HOOK and start Baton again",
    );
    fireEvent.change(screen.getByTestId("webhook-port"), { target: { value: "99999" } });
    expect(screen.getByText("1 to 65535")).toBeDefined();
    expect((screen.getByTestId("webhook-port-keep") as HTMLButtonElement).disabled).toBe(true);
  });

  it("show what went wrong, with the way out", async () => {
    const failing = memoryBackend({
      webhook_get: () => {
        throw new BackendError({ code: "store", message: "the disk does not answer", hint: "try again" });
      },
    });
    renderWith(failing, <Webhooks />);
    expect(await screen.findByText("The disk does not answer")).toBeDefined();
    expect(screen.getByText("Try again", { selector: "button *" })).toBeDefined();
  });
});

describe("WebhookHint", () => {
  it("shows the address, and leads to the switch while webhooks are off", async () => {
    renderWith(memoryBackend(), <WebhookHint trigger={trigger} />);
    expect((await screen.findByTestId("hint-url")).textContent).toBe("http://127.0.0.1:8787/hooks/orders");
    expect(screen.getByText(/switched off on this machine/)).toBeDefined();
    fireEvent.click(screen.getByTestId("hint-switch-on"));
    expect(useSystem.getState().dialog).toBe("webhooks");
    useSystem.getState().close();
  });
});

describe("the words", () => {
  it("name a secret's variable as Rust does", () => {
    expect(variableOf("shop-hook")).toBe("BATON_SECRET_SHOP_HOOK");
    expect(variableOf("a.b ä")).toBe("BATON_SECRET_A_B__");
  });

  it("make a call that a shell understands, for both proofs", () => {
    const signed = curlOf(callOf(trigger, "http://127.0.0.1:8787"));
    expect(signed).toContain("curl http://127.0.0.1:8787/hooks/orders");
    expect(signed).toContain('-hmac "$BATON_SECRET_SHOP_HOOK"');
    expect(signed).toContain('-H "X-Baton-Timestamp: $time" -H "X-Baton-Signature: $signature"');
    const plain = {
      id: "order",
      kind: "webhook",
      secret: "s",
      auth: "header",
      header: "X-Key",
    } as unknown as Trigger;
    expect(curlOf(callOf(plain, "http://127.0.0.1:1"))).toContain('-H "X-Key: $BATON_SECRET_S"');
    expect(callOf(plain, "http://127.0.0.1:1").url).toBe("http://127.0.0.1:1/hooks/order");
  });

  it("keep codes from people", () => {
    expect(withoutCode("webhook-off: switch them on")).toEqual({
      code: "webhook-off",
      text: "switch them on",
    });
    expect(withoutCode("the folder `in` is gone: look")).toEqual({
      code: null,
      text: "the folder `in` is gone: look",
    });
    expect(isAboutWebhooks("webhook-off: x")).toBe(true);
    expect(isAboutWebhooks("webhook-rate: refused once: x")).toBe(false);
  });

  it("say how webhooks stand", () => {
    expect(stateOf(plainWebhooks()).look.label).toBe("Off");
    expect(stateOf({ ...plainWebhooks(), isOn: true }).words).toContain("port 8787 opens as soon as");
    expect(stateOf({ ...listening, listening: "http://127.0.0.1:9" }).words).toContain("http://127.0.0.1:9");
  });
});
