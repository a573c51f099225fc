import { ActionIcon, UnstyledButton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { ChevronDown, ChevronUp } from "lucide-react";
import { inboxQuery, triggersQuery } from "../backend/queries";
import { useEditor } from "../state/editor";
import { useTargetProblems } from "../state/target-problems";
import { useTargets } from "../state/targets";
import { useView } from "../state/view";
import classes from "./BottomTabs.module.css";
import { keyLabels } from "./keys";
import { panelsOf } from "./panels";

/** The tabs of the panels below the canvas. They stay while the panel is closed, and open it. */
export function BottomTabs() {
  const active = useView((view) => view.bottom);
  const showPanel = useView((view) => view.showPanel);
  const chosen = useTargets((targets) => targets.chosen);
  const there = useTargetProblems((known) => known.problems.length);
  const problems = useEditor((editor) => editor.check?.problems.length ?? 0) + there;
  const inbox = useQuery(inboxQuery(chosen)).data?.items.length ?? 0;
  const workflow = useEditor((editor) => editor.doc?.id);
  const triggers =
    useQuery(triggersQuery).data?.triggers.filter((line) => line.workflow === workflow).length ?? 0;
  const counts: Record<string, number> = { problems, inbox, triggers };
  const list = panelsOf("bottom");
  return (
    <nav className={classes.bar} aria-label="Panels">
      {list.map((panel) => {
        const Icon = panel.icon;
        const count = counts[panel.id] ?? 0;
        const isActive = active === panel.id;
        return (
          <UnstyledButton
            key={panel.id}
            className={classes.tab}
            data-active={isActive || undefined}
            aria-expanded={isActive}
            aria-controls="bottom-panel"
            title={`${panel.title} (${keyLabels(panel.shortcut).join(" ")})`}
            data-testid={`tab-${panel.id}`}
            onClick={() => showPanel("bottom", isActive ? null : panel.id)}
          >
            <Icon size={14} aria-hidden />
            <span className={classes.word}>{panel.title}</span>
            {count > 0 && <span className={classes.count}>{count}</span>}
          </UnstyledButton>
        );
      })}
      <span className={classes.space} />
      <ActionIcon
        size="sm"
        aria-label={active === null ? "Open the panel" : "Close the panel"}
        onClick={() => showPanel("bottom", active === null ? (list[0]?.id ?? null) : null)}
      >
        {active === null ? <ChevronUp size={16} /> : <ChevronDown size={16} />}
      </ActionIcon>
    </nav>
  );
}
