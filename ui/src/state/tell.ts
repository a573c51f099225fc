import { notifications } from "@mantine/notifications";
import { toBackendError } from "../backend/backend";
import { sentence } from "../components/Panel";

/** Says that something went well. */
export function tell(message: string): void {
  notifications.show({ message, autoClose: 3_000, withBorder: true });
}

/** Says what went wrong, and what to do about it. */
export function tellError(title: string, thrown: unknown): void {
  const { message, hint, place } = toBackendError(thrown);
  // An error about the text of a file has a line, and a person looks for it there.
  const where = place?.line === undefined ? "" : ` (line ${place.line}, column ${place.column ?? 1})`;
  const words = `${sentence(message)}${where}`;
  notifications.show({
    title,
    message: hint ? `${words}. ${sentence(hint)}` : words,
    color: "red",
    autoClose: 10_000,
    withBorder: true,
  });
}
