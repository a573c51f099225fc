import type { Command } from "../../../app/command";
import { clipboardCommands } from "./clipboard";
import { selectCommands } from "./select";
import { stepCommands } from "./steps";
import { viewCommands } from "./view";

/** What can be done on the canvas. */
export const canvasCommands: readonly Command[] = [
  ...stepCommands,
  ...clipboardCommands,
  ...selectCommands,
  ...viewCommands,
];
