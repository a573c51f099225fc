/** What is carried out at a time: in all, of a kind, and on a resource. */
import { ActionIcon, Button, NumberInput, Select, TextInput } from "@mantine/core";
import { Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { useCatalog } from "../../backend/queries";
import type { EngineLimits } from "../../bindings/EngineLimits";
import type { ResourceLimits } from "../../bindings/ResourceLimits";
import { isSlug } from "../../state/document";
import classes from "./system.module.css";

interface WorkFieldsProps {
  value: EngineLimits;
  onChange: (value: EngineLimits) => void;
}

export function WorkFields({ value, onChange }: WorkFieldsProps) {
  return (
    <>
      <NumberInput
        size="xs"
        label="Steps"
        maw={200}
        value={value.concurrency}
        min={1}
        allowDecimal={false}
        onChange={(next) => onChange({ ...value, concurrency: typeof next === "number" ? next : 1 })}
        data-testid="limits-concurrency"
      />
      <Kinds value={value} onChange={onChange} />
      <Resources value={value} onChange={onChange} />
    </>
  );
}

function Kinds({ value, onChange }: WorkFieldsProps) {
  const catalog = useCatalog();
  const kinds = Object.entries(value.kinds);
  const tasks = [...catalog.values()].filter((kind) => !kind.isControl);
  const free = tasks.filter((kind) => value.kinds[kind.kind] === undefined);
  const set = (kind: string, count: number | undefined) => {
    const next = { ...value.kinds };
    if (count === undefined) delete next[kind];
    else next[kind] = count;
    onChange({ ...value, kinds: next });
  };
  return (
    <div className={classes.group}>
      {kinds.map(([kind, count]) => (
        <div key={kind} className={classes.row}>
          <TextInput size="xs" label="Kind" value={catalog.get(kind)?.title ?? kind} readOnly />
          <NumberInput
            size="xs"
            label="At a time"
            value={count ?? 1}
            min={1}
            allowDecimal={false}
            onChange={(next) => set(kind, typeof next === "number" ? next : 1)}
          />
          <ActionIcon aria-label={`Remove the limit of ${kind}`} onClick={() => set(kind, undefined)}>
            <Trash2 size={14} />
          </ActionIcon>
        </div>
      ))}
      <Select
        size="xs"
        maw={260}
        aria-label="Limit a kind of step"
        placeholder="Limit a kind of step…"
        data={free.map((kind) => ({ value: kind.kind, label: kind.title }))}
        value={null}
        searchable
        onChange={(kind) => {
          if (kind) set(kind, 4);
        }}
        data-testid="limits-add-kind"
      />
    </div>
  );
}

function Resources({ value, onChange }: WorkFieldsProps) {
  const [name, setName] = useState("");
  const set = (resource: string, limits: ResourceLimits | undefined) => {
    const next = { ...value.resources };
    if (limits === undefined) delete next[resource];
    else next[resource] = limits;
    onChange({ ...value, resources: next });
  };
  const isFree = isSlug(name) && value.resources[name] === undefined;
  const add = () => {
    if (!isFree) return;
    set(name, { parallel: 1 });
    setName("");
  };
  return (
    <div className={classes.group}>
      {Object.entries(value.resources).map(([resource, limits]) =>
        limits === undefined ? null : (
          <div key={resource} className={classes.row} data-wide>
            <TextInput size="xs" label="Resource" value={resource} readOnly />
            <NumberInput
              size="xs"
              label="At a time"
              placeholder="any"
              value={limits.parallel ?? ""}
              min={1}
              allowDecimal={false}
              onChange={(next) => {
                const { parallel: _old, ...rest } = limits;
                set(resource, typeof next === "number" ? { ...rest, parallel: next } : rest);
              }}
            />
            <NumberInput
              size="xs"
              label="Starts"
              placeholder="any"
              value={limits.rate?.count ?? ""}
              min={1}
              allowDecimal={false}
              onChange={(next) => {
                const { rate: _old, ...rest } = limits;
                set(
                  resource,
                  typeof next === "number"
                    ? { ...rest, rate: { count: next, perMs: limits.rate?.perMs ?? 60_000 } }
                    : rest,
                );
              }}
            />
            <NumberInput
              size="xs"
              label="In seconds"
              value={limits.rate ? limits.rate.perMs / 1_000 : ""}
              disabled={!limits.rate}
              min={1}
              onChange={(next) => {
                if (limits.rate && typeof next === "number") {
                  set(resource, { ...limits, rate: { ...limits.rate, perMs: Math.round(next * 1_000) } });
                }
              }}
            />
            <ActionIcon
              aria-label={`Remove the resource ${resource}`}
              onClick={() => set(resource, undefined)}
            >
              <Trash2 size={14} />
            </ActionIcon>
          </div>
        ),
      )}
      <div className={classes.row}>
        <TextInput
          size="xs"
          aria-label="Name of a resource"
          placeholder="A resource that steps name: erp"
          value={name}
          error={name !== "" && !isSlug(name) ? "small letters, digits and _" : false}
          onChange={(event) => setName(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter") {
              event.preventDefault();
              add();
            }
          }}
          spellCheck={false}
          data-testid="limits-resource-name"
        />
        <Button
          size="xs"
          variant="default"
          leftSection={<Plus size={13} />}
          disabled={!isFree}
          onClick={add}
          data-testid="limits-add-resource"
        >
          Add
        </Button>
      </div>
    </div>
  );
}
