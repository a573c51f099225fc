import { notifications } from "@mantine/notifications";
import { toBackendError } from "../backend/backend";
import { sentence } from "../components/Panel";

/** Says that something went well. */
export function tell(message: string): void {
  notifications.show({ message, autoClose: 3_000, withBorder: true });
}

/** Says what went wrong, and what to do about it. */
export function tellError(title: string, thrown: unknown): void {
  const { message, hint } = toBackendError(thrown);
  notifications.show({
    title,
    message: hint ? `${sentence(message)}. ${sentence(hint)}` : sentence(message),
    color: "red",
    autoClose: 10_000,
    withBorder: true,
  });
}
