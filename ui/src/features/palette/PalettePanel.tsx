import { ActionIcon, ScrollArea, TextInput, Tooltip, UnstyledButton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { ChevronDown, Search, X } from "lucide-react";
import { useMemo, useState } from "react";
import { catalogQuery } from "../../backend/queries";
import type { Category } from "../../bindings/Category";
import type { KindInfo } from "../../bindings/KindInfo";
import { iconOf } from "../../components/icons";
import { PanelEmpty, PanelError, PanelFrame, PanelSkeleton } from "../../components/Panel";
import { useEditor } from "../../state/editor";
import { useCanvas } from "../canvas/canvas-store";
import { addKind } from "../canvas/edits";
import { OUT, portHandle } from "../canvas/geometry";
import { categories, searchKinds } from "./categories";
import { startDrag } from "./drag";
import classes from "./PalettePanel.module.css";

/** Adds a step without dragging: after the selected step, else in the middle of the view. */
function addByKey(kind: KindInfo): void {
  const { selection } = useEditor.getState();
  const { scene, api } = useCanvas.getState();
  const [id] = selection.steps;
  const item = selection.steps.length === 1 && id !== undefined ? scene.items.get(id) : undefined;
  const isLast = item?.step?.kind === "end" || item?.step?.kind === "fail";
  let added: string | null;
  if (item && item.type === "container" && item.step?.body?.steps.length === 0) {
    added = addKind(kind, { parent: item.id, at: [item.x + 24, item.y + 72] });
  } else if (item && !isLast) {
    const free = item.ports.find(
      (port) =>
        !scene.edges.some((edge) => edge.source === item.id && edge.sourceHandle === portHandle(port.name)),
    );
    const port = free ?? item.ports[0];
    added = addKind(kind, {
      parent: item.parent,
      from: { step: item.id, handle: port ? portHandle(port.name) : OUT },
    });
  } else {
    added = addKind(kind, { parent: null });
  }
  if (added !== null) {
    const shown = added;
    requestAnimationFrame(() => api?.reveal([shown]));
  }
}

/** All kinds of step: drag one onto the canvas, or choose it with Enter or a click. */
export default function PalettePanel() {
  const catalog = useQuery(catalogQuery);
  const isLocked = useEditor((editor) => editor.readOnly !== null);
  const [text, setText] = useState("");
  const [closed, setClosed] = useState<ReadonlySet<Category>>(new Set());

  const kinds = useMemo(() => searchKinds(catalog.data?.kinds ?? [], text), [catalog.data, text]);
  const groups = useMemo(() => {
    if (text.trim() !== "") return [{ category: null, kinds }];
    return (Object.keys(categories) as Category[])
      .map((category) => ({ category, kinds: kinds.filter((kind) => kind.category === category) }))
      .filter((group) => group.kinds.length > 0);
  }, [kinds, text]);

  function toggle(category: Category): void {
    const next = new Set(closed);
    if (!next.delete(category)) next.add(category);
    setClosed(next);
  }

  return (
    <PanelFrame title="Steps">
      <div className={classes.search}>
        <TextInput
          aria-label="Search steps"
          placeholder="Search steps"
          leftSection={<Search size={14} />}
          rightSection={
            text !== "" && (
              <ActionIcon size="sm" aria-label="Clear the search" onClick={() => setText("")}>
                <X size={14} />
              </ActionIcon>
            )
          }
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => {
            const [first] = kinds;
            if (event.key === "Enter" && first && !isLocked) addByKey(first);
          }}
        />
      </div>
      {catalog.isPending && <PanelSkeleton rows={8} />}
      {catalog.isError && <PanelError error={catalog.error} onRetry={() => void catalog.refetch()} />}
      {catalog.isSuccess && kinds.length === 0 && (
        <PanelEmpty
          title="Nothing found"
          hint="Try another word: every kind has a short description that is searched as well."
        />
      )}
      <ScrollArea className={classes.list} type="hover" scrollbarSize={8}>
        {groups.map(({ category, kinds: listed }) => {
          const isOpen = category === null || !closed.has(category);
          return (
            <section key={category ?? "found"} className={classes.group}>
              {category !== null && (
                <h3 className={classes.heading}>
                  <UnstyledButton
                    className={classes.toggle}
                    aria-expanded={isOpen}
                    onClick={() => toggle(category)}
                  >
                    <ChevronDown size={14} aria-hidden data-closed={!isOpen || undefined} />
                    {categories[category].title}
                  </UnstyledButton>
                </h3>
              )}
              {isOpen &&
                listed.map((kind) => {
                  const Icon = iconOf(kind.icon);
                  return (
                    <Tooltip
                      key={kind.kind}
                      label={kind.summary}
                      position="right"
                      multiline
                      maw={260}
                      openDelay={600}
                    >
                      <UnstyledButton
                        className={classes.item}
                        disabled={isLocked}
                        data-testid={`palette-item-${kind.kind}`}
                        onPointerDown={(event) => startDrag(event, kind)}
                        onClick={(event) => {
                          // A drag ends with a click as well; only a press without a way adds here.
                          if (event.detail === 0 || !event.currentTarget.dataset.dragged) addByKey(kind);
                          delete event.currentTarget.dataset.dragged;
                        }}
                      >
                        <span
                          className={classes.icon}
                          style={{ color: `var(--bt-cat-${kind.category})` }}
                          aria-hidden
                        >
                          <Icon size={16} />
                        </span>
                        <span className={classes.title}>{kind.title}</span>
                      </UnstyledButton>
                    </Tooltip>
                  );
                })}
            </section>
          );
        })}
      </ScrollArea>
    </PanelFrame>
  );
}
