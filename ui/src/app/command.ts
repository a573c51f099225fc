import type { LucideIcon } from "lucide-react";
import type { Target } from "../backend/target";
import type { Commands } from "../bindings/Commands";

export type CommandGroup =
  | "File"
  | "Edit"
  | "Select"
  | "View"
  | "Steps"
  | "Run"
  | "Panels"
  | "Settings"
  | "Help";

/**
 * Something that a person can do. Menu, command palette, keys and the help page are made from the one list of
 * commands in `app/commands.ts`; what is not in it does not exist.
 */
export type Command = {
  id: string;
  title: string;
  group: CommandGroup;
  icon?: LucideIcon;
  /** Words to find it by besides its title. */
  words?: string;
  /** Keys, the first of which is shown: `Mod+Shift+Z`. `Mod` is Ctrl, or Cmd on macOS. */
  keys?: readonly string[];
  /** Works while a text field has the focus. Keys that mean something in a text never do. */
  inText?: boolean;
  /** The browser carries it out by an event of its own (copy, paste): keys are shown, not listened for. */
  isNative?: boolean;
  /** Only where the canvas is on screen. */
  onCanvas?: boolean;
  /** Changes the document: not while it is locked. */
  isEdit?: boolean;
  /** The command of the backend that it comes to: a user whose roles do not allow that cannot carry it out. */
  needs?: keyof Commands;
  /** Where that command goes; absent: to the Baton that answers this page. */
  where?(): Target;
  /** Whether it can be done now. */
  when?(): boolean;
  run(): unknown;
};
