import {
  CircleAlert,
  History,
  Inbox,
  ListTree,
  type LucideIcon,
  PanelRight,
  Play,
  SquareStack,
  Zap,
} from "lucide-react";
import { type ComponentType, type LazyExoticComponent, lazy } from "react";

export type Area = "left" | "right" | "bottom";

export type PanelEntry = {
  id: string;
  title: string;
  icon: LucideIcon;
  area: Area;
  /** Keys that bring it to the front, or close its area if it is there. */
  shortcut: string;
  component: LazyExoticComponent<ComponentType>;
};

/** All panels. Menu items, keys, tabs and error boundaries are made from this list. */
export const panels: readonly PanelEntry[] = [
  {
    id: "palette",
    title: "Steps",
    icon: SquareStack,
    area: "left",
    shortcut: "Mod+Shift+E",
    component: lazy(() => import("../features/palette/PalettePanel")),
  },
  {
    id: "inspector",
    title: "Inspector",
    icon: PanelRight,
    area: "right",
    shortcut: "Mod+I",
    component: lazy(() => import("../features/inspector/InspectorPanel")),
  },
  {
    id: "problems",
    title: "Problems",
    icon: CircleAlert,
    area: "bottom",
    shortcut: "Mod+Shift+M",
    component: lazy(() => import("../features/problems/ProblemsPanel")),
  },
  {
    id: "run",
    title: "Run",
    icon: Play,
    area: "bottom",
    shortcut: "Mod+Shift+R",
    component: lazy(() => import("../features/runs/RunPanel")),
  },
  {
    id: "history",
    title: "History",
    icon: History,
    area: "bottom",
    shortcut: "Mod+Shift+H",
    component: lazy(() => import("../features/history/HistoryPanel")),
  },
  {
    id: "inbox",
    title: "Inbox",
    icon: Inbox,
    area: "bottom",
    shortcut: "Mod+Shift+I",
    component: lazy(() => import("../features/inbox/InboxPanel")),
  },
  {
    id: "triggers",
    title: "Triggers",
    icon: Zap,
    area: "bottom",
    shortcut: "Mod+Shift+L",
    component: lazy(() => import("../features/triggers/TriggersPanel")),
  },
  {
    id: "outline",
    title: "Outline",
    icon: ListTree,
    area: "bottom",
    shortcut: "Mod+Shift+O",
    component: lazy(() => import("../features/outline/OutlinePanel")),
  },
];

export function panelsOf(area: Area): PanelEntry[] {
  return panels.filter((panel) => panel.area === area);
}
