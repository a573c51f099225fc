import { Modal } from "@mantine/core";
import { useView } from "../../state/view";

/** Always mounted; shown while the view's dialog is `trust`. */
export default function TrustDialog() {
  const isOpen = useView((view) => view.dialog === "trust");
  const close = useView((view) => view.closeDialog);
  return <Modal opened={isOpen} onClose={close} title="Run this workflow?" />;
}
