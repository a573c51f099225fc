import { Button, Code, Group, Modal, Stack, Text } from "@mantine/core";
import { useAsk } from "../state/ask";

/** Shows what `ask` asks. */
export function AskDialog() {
  const question = useAsk((state) => state.question);
  return (
    <Modal
      opened={question !== null}
      onClose={() => question?.resolve(null)}
      title={question?.title}
      centered
    >
      {question && (
        <Stack gap="md">
          <Text size="sm">{question.text}</Text>
          {question.details?.map((detail) => (
            <Code key={detail} block>
              {detail}
            </Code>
          ))}
          <Group justify="flex-end" gap="xs">
            <Button variant="subtle" color="gray" onClick={() => question.resolve(null)}>
              Cancel
            </Button>
            {[...question.answers].reverse().map((answer) => (
              <Button
                key={answer.value}
                variant={
                  answer.look === "primary" ? "filled" : answer.look === "danger" ? "light" : "default"
                }
                {...(answer.look === "danger" ? { color: "red" } : {})}
                data-autofocus={answer.look === "primary" || undefined}
                data-testid={`answer-${answer.value}`}
                onClick={() => question.resolve(answer.value)}
              >
                {answer.label}
              </Button>
            ))}
          </Group>
        </Stack>
      )}
    </Modal>
  );
}
