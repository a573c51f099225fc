import { Modal } from "@mantine/core";

export default function StartRunDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  return <Modal opened={opened} onClose={onClose} title="Start a run" />;
}
