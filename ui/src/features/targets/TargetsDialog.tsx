import { Modal } from "@mantine/core";
import { useTargets } from "../../state/targets";
import { TargetForm } from "./TargetForm";
import { TargetList } from "./TargetList";

/** The targets that are kept; or one of them, to be added or changed. */
export function TargetsDialog() {
  const dialog = useTargets((targets) => targets.dialog);
  const show = useTargets((targets) => targets.show);
  const title =
    dialog?.view !== "form" ? "Targets" : dialog.target ? `Change “${dialog.target.name}”` : "Add a target";
  return (
    <Modal opened={dialog !== null} onClose={() => show(null)} title={title} size="42rem" centered>
      {dialog?.view === "list" && <TargetList />}
      {dialog?.view === "form" && <TargetForm key={dialog.target?.id ?? ""} target={dialog.target} />}
    </Modal>
  );
}
