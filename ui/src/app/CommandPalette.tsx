import { Kbd } from "@mantine/core";
import { Spotlight, type SpotlightActionData, type SpotlightActionGroupData } from "@mantine/spotlight";
import { Search } from "lucide-react";
import { useMemo, useState } from "react";
import { useCatalog } from "../backend/queries";
import { iconOf } from "../components/icons";
import { useCanvas } from "../features/canvas/canvas-store";
import { addressOf, placeIcon } from "../features/targets/target-looks";
import { eachStep, titleOf } from "../state/document";
import { useEditor } from "../state/editor";
import { useTargets } from "../state/targets";
import { useView } from "../state/view";
import { commands, isEnabled, runCommand } from "./commands";
import { keyLabels } from "./keys";

/** Everything that can be done, and every step, by a few letters of its name. */
export function CommandPalette() {
  const doc = useEditor((editor) => editor.doc);
  const catalog = useCatalog();
  const [opened, setOpened] = useState(0);
  const list = useTargets((targets) => targets.list);
  const chosen = useTargets((targets) => targets.chosen);
  const isFinding = useView((view) => view.isFinding);

  // biome-ignore lint/correctness/useExhaustiveDependencies: what can be done is asked anew at every opening
  const actions = useMemo(() => {
    const groups = new Map<string, SpotlightActionData[]>();
    for (const command of commands) {
      if (!isEnabled(command) || command.id === "palette" || command.id === "find") continue;
      const Icon = command.icon;
      const [keys] = command.keys ?? [];
      const action: SpotlightActionData = {
        id: command.id,
        label: command.title,
        keywords: [command.words ?? "", command.group],
        leftSection: Icon ? <Icon size={17} /> : <span style={{ width: 17 }} />,
        rightSection: keys && <Kbd size="xs">{keyLabels(keys).join(" ")}</Kbd>,
        // The box has to be gone, or it would take the focus back.
        onClick: () => setTimeout(() => runCommand(command.id), 60),
      };
      groups.set(command.group, [...(groups.get(command.group) ?? []), action]);
    }
    const steps: SpotlightActionData[] = [];
    if (doc) {
      eachStep(doc, (step) => {
        const kind = catalog.get(step.kind);
        const Icon = iconOf(kind?.icon);
        steps.push({
          id: `step:${step.id}`,
          label: titleOf(step),
          description: kind?.title ?? step.kind,
          keywords: [step.id, step.kind],
          leftSection: <Icon size={17} />,
          onClick: () => {
            useEditor.getState().select({ steps: [step.id] });
            setTimeout(() => {
              useCanvas.getState().api?.reveal([step.id]);
              useCanvas.getState().api?.focus();
            }, 60);
          },
        });
      });
    }
    const places = (list ?? [])
      .filter((line) => line.id !== chosen)
      .map((line): SpotlightActionData => {
        const Icon = placeIcon(line.place.kind);
        return {
          id: `target:${line.id}`,
          label: `Run on ${line.name}`,
          description: addressOf(line.place),
          keywords: ["target", "where runs go"],
          leftSection: <Icon size={17} />,
          onClick: () => useTargets.getState().choose(line.id),
        };
      });
    if (places.length > 0) groups.set("Run", [...(groups.get("Run") ?? []), ...places]);
    const all: SpotlightActionGroupData[] = [...groups].map(([group, list]) => ({ group, actions: list }));
    const shown = { group: "Go to step", actions: steps };
    return steps.length === 0 ? all : isFinding ? [shown] : [...all, shown];
  }, [doc, catalog, opened, isFinding, list, chosen]);

  return (
    <Spotlight
      actions={actions}
      shortcut={null}
      limit={80}
      // At once, so that nothing that is typed right after the key gets lost.
      transitionProps={{ duration: 0 }}
      overlayProps={{ blur: 0, backgroundOpacity: 0.35 }}
      scrollable
      maxHeight={440}
      radius="lg"
      highlightQuery
      nothingFound="Nothing is called that"
      onSpotlightOpen={() => setOpened((count) => count + 1)}
      searchProps={{
        leftSection: <Search size={18} />,
        placeholder: isFinding ? "Go to a step…" : "Search commands and steps…",
      }}
    />
  );
}
