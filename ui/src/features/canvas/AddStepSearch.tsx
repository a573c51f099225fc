import { Kbd, TextInput, UnstyledButton } from "@mantine/core";
import { Search as SearchIcon, StickyNote } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { useCatalog } from "../../backend/queries";
import type { KindInfo } from "../../bindings/KindInfo";
import { iconOf } from "../../components/icons";
import { categories, searchKinds } from "../palette/categories";
import classes from "./AddStepSearch.module.css";
import { type Search, useCanvas } from "./canvas-store";
import { addKind, addNote } from "./edits";

const WIDTH = 320;
const HEIGHT = 400;

/** The search for a step to add: opened by Tab, `+`, a double click or a wire that ends in the void. */
export function AddStepSearch() {
  const search = useCanvas((canvas) => canvas.search);
  return search && <Box key={`${search.screen.join()}${search.edge ?? ""}`} search={search} />;
}

function close(): void {
  useCanvas.setState({ search: null });
  useCanvas.getState().api?.focus();
}

function Box({ search }: { search: Search }) {
  const catalog = useCatalog();
  const [text, setText] = useState("");
  const [active, setActive] = useState(0);
  const box = useRef<HTMLDivElement>(null);
  const isWire = search.from !== undefined || search.edge !== undefined || search.replace !== undefined;

  const found = useMemo(() => searchKinds([...catalog.values()], text), [catalog, text]);
  const showsNote = !isWire && search.parent === null && "note".includes(text.toLowerCase());
  const count = found.length + (showsNote ? 1 : 0);

  useEffect(() => {
    function outside(event: PointerEvent): void {
      if (!box.current?.contains(event.target as Node)) close();
    }
    // The press that opened the box is still on its way.
    const timer = setTimeout(() => window.addEventListener("pointerdown", outside, true));
    return () => {
      clearTimeout(timer);
      window.removeEventListener("pointerdown", outside, true);
    };
  }, []);

  useEffect(() => {
    box.current?.querySelector(`[data-index="${active}"]`)?.scrollIntoView({ block: "nearest" });
  }, [active]);

  function choose(kind: KindInfo | undefined): void {
    const { screen: _, ...where } = search;
    close();
    if (kind) {
      addKind(kind, where);
      return;
    }
    const { api } = useCanvas.getState();
    addNote(search.at ?? api?.center() ?? [0, 0]);
  }

  const left = Math.max(8, Math.min(search.screen[0], window.innerWidth - WIDTH - 12));
  const top = Math.max(8, Math.min(search.screen[1], window.innerHeight - HEIGHT - 12));
  const title =
    search.replace !== undefined
      ? "Replace by…"
      : search.edge !== undefined
        ? "Insert a step…"
        : "Add a step…";

  return (
    <div
      ref={box}
      className={classes.box}
      style={{ left, top, width: WIDTH }}
      role="dialog"
      aria-label={title}
    >
      <TextInput
        autoFocus
        size="sm"
        variant="unstyled"
        placeholder={title}
        aria-label={title}
        role="combobox"
        aria-expanded
        aria-controls="add-step-list"
        aria-activedescendant={`add-step-${active}`}
        leftSection={<SearchIcon size={16} />}
        value={text}
        className={classes.field}
        data-testid="add-step-search"
        onChange={(event) => {
          setText(event.currentTarget.value);
          setActive(0);
        }}
        onKeyDown={(event) => {
          event.stopPropagation();
          if (event.key === "Escape" || event.key === "Tab") close();
          if (event.key === "ArrowDown") setActive((active + 1) % Math.max(1, count));
          if (event.key === "ArrowUp") setActive((active + count - 1) % Math.max(1, count));
          if (event.key === "Enter" && count > 0) choose(found[active]);
          if (["Tab", "ArrowDown", "ArrowUp", "Enter"].includes(event.key)) event.preventDefault();
        }}
      />
      <div className={classes.list} style={{ maxHeight: HEIGHT - 84 }}>
        <div id="add-step-list" role="listbox" aria-label="Kinds of step">
          {found.map((kind, index) => {
            const Icon = iconOf(kind.icon);
            const isFirst = text === "" && found[index - 1]?.category !== kind.category;
            return (
              <div key={kind.kind}>
                {isFirst && <div className={classes.group}>{categories[kind.category].title}</div>}
                <UnstyledButton
                  id={`add-step-${index}`}
                  role="option"
                  aria-selected={index === active}
                  tabIndex={-1}
                  className={classes.option}
                  data-index={index}
                  data-active={index === active || undefined}
                  onPointerMove={() => setActive(index)}
                  onClick={() => choose(kind)}
                >
                  <span
                    className={classes.icon}
                    style={{ color: `var(--bt-cat-${kind.category})` }}
                    aria-hidden
                  >
                    <Icon size={16} />
                  </span>
                  <span className={classes.words}>
                    <span className={classes.title}>{kind.title}</span>
                    <span className={classes.summary}>{kind.summary}</span>
                  </span>
                </UnstyledButton>
              </div>
            );
          })}
          {showsNote && (
            <UnstyledButton
              id={`add-step-${found.length}`}
              role="option"
              aria-selected={active === found.length}
              tabIndex={-1}
              className={classes.option}
              data-index={found.length}
              data-active={active === found.length || undefined}
              onPointerMove={() => setActive(found.length)}
              onClick={() => choose(undefined)}
            >
              <span className={classes.icon} aria-hidden>
                <StickyNote size={16} />
              </span>
              <span className={classes.words}>
                <span className={classes.title}>Note</span>
                <span className={classes.summary}>Words on the canvas, for whoever reads it.</span>
              </span>
            </UnstyledButton>
          )}
          {count === 0 && <div className={classes.none}>No kind of step is called “{text}”.</div>}
        </div>
      </div>
      <div className={classes.foot}>
        <span>
          <Kbd size="xs">↑</Kbd> <Kbd size="xs">↓</Kbd> choose
        </span>
        <span>
          <Kbd size="xs">Enter</Kbd> add
        </span>
        <span>
          <Kbd size="xs">Esc</Kbd> close
        </span>
      </div>
    </div>
  );
}
