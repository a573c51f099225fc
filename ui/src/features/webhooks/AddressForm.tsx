/** The port and who may reach it. */
import { Button, NumberInput, Select } from "@mantine/core";
import { type FormEvent, useState } from "react";
import type { WebhookSet } from "../../bindings/WebhookSet";
import type { WebhookView } from "../../bindings/WebhookView";
import classes from "./webhooks.module.css";

const HERE = "127.0.0.1";
const EVERYWHERE = "0.0.0.0";

interface AddressFormProps {
  view: WebhookView;
  isBusy: boolean;
  /** Somebody else may change it. */
  isLocked: boolean;
  onSet: (change: WebhookSet) => void;
}

export default function AddressForm({ view, isBusy, isLocked, onSet }: AddressFormProps) {
  const [port, setPort] = useState<number | string>(view.port);
  const [ip, setIp] = useState(view.ip);
  const number = Number(port);
  const isWrong = port === "" || !Number.isInteger(number) || number < 1 || number > 65_535;
  const isSame = number === view.port && ip === view.ip;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!isWrong && !isSame) onSet({ port: number, ip });
  };
  const known = [
    { value: HERE, label: "Programs on this machine" },
    { value: EVERYWHERE, label: "Other machines in the network as well" },
  ];
  return (
    <form className={classes.address} onSubmit={submit}>
      <NumberInput
        label="Port"
        className={classes.port ?? ""}
        value={port}
        onChange={setPort}
        min={1}
        max={65_535}
        clampBehavior="none"
        allowDecimal={false}
        allowNegative={false}
        hideControls
        error={isWrong ? "1 to 65535" : false}
        data-testid="webhook-port"
      />
      <Select
        label="Who may call"
        className={classes.who ?? ""}
        data={known.some((one) => one.value === ip) ? known : [...known, { value: ip, label: ip }]}
        value={ip}
        allowDeselect={false}
        onChange={(next) => setIp(next ?? HERE)}
      />
      <Button
        type="submit"
        variant="default"
        disabled={isWrong || isSame || isLocked}
        loading={isBusy}
        data-testid="webhook-port-keep"
      >
        Keep
      </Button>
      {ip !== HERE && (
        <p className={classes.warning}>
          Whoever reaches this machine can then knock. Only calls that prove the secret start anything, but
          they travel unencrypted: put a proxy with TLS before the port where the network is not yours.
        </p>
      )}
    </form>
  );
}
