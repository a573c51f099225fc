import { Modal, Radio, ScrollArea, Stack, Text, TextInput, UnstyledButton } from "@mantine/core";
import { useState } from "react";
import { graphOf, refusal, splitFrom, titleOf } from "../../state/document";
import { useEditor } from "../../state/editor";
import { useView } from "../../state/view";
import classes from "./AddStepSearch.module.css";
import { useCanvas } from "./canvas-store";
import { connectSteps } from "./edits";
import { ERROR, fromOf, OUT, portHandle } from "./geometry";

/** Draws an edge without a pointer: choose the outlet, then the step that waits. */
export function ConnectDialog() {
  const isOpen = useView((view) => view.dialog === "connect");
  const close = useView((view) => view.closeDialog);
  const id = useEditor((editor) => editor.selection.steps[0]);
  return (
    <Modal opened={isOpen && id !== undefined} onClose={close} title="Connect to…" centered size="sm">
      {id !== undefined && <Targets id={id} key={id} />}
    </Modal>
  );
}

function Targets({ id }: { id: string }) {
  const doc = useEditor((editor) => editor.doc);
  const item = useCanvas((canvas) => canvas.scene.items.get(id));
  const close = useView((view) => view.closeDialog);
  const [text, setText] = useState("");
  const outlets = [
    ...(item?.ports ?? []).map((port) => ({ value: portHandle(port.name), label: port.title })),
    { value: OUT, label: "On success" },
    { value: ERROR, label: "On error" },
  ];
  const [handle, setHandle] = useState(outlets[0]?.value ?? OUT);
  if (!doc) return null;
  const graph = graphOf(doc, id);
  const { from } = fromOf(id, handle);
  const targets = graph.steps.filter(
    (step) =>
      splitFrom(from).step !== step.id &&
      refusal(graph, from, step.id) === null &&
      titleOf(step).toLowerCase().includes(text.toLowerCase()),
  );

  function choose(target: string): void {
    close();
    connectSteps(id, handle, target);
    useCanvas.getState().api?.focus();
  }

  return (
    <Stack gap="sm">
      <Radio.Group label="From" value={handle} onChange={setHandle}>
        <Stack gap={4} mt={4}>
          {outlets.map((outlet) => (
            <Radio key={outlet.value} size="xs" value={outlet.value} label={outlet.label} />
          ))}
        </Stack>
      </Radio.Group>
      <TextInput
        label="To"
        placeholder="Search steps"
        data-autofocus
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && targets[0]) choose(targets[0].id);
        }}
      />
      <ScrollArea.Autosize mah={260}>
        {targets.map((step) => (
          <UnstyledButton key={step.id} className={classes.option} onClick={() => choose(step.id)}>
            <Text size="sm">{titleOf(step)}</Text>
            <Text size="xs" c="dimmed">
              {step.id}
            </Text>
          </UnstyledButton>
        ))}
        {targets.length === 0 && (
          <Text size="sm" c="dimmed" p="sm">
            No step can wait for this one.
          </Text>
        )}
      </ScrollArea.Autosize>
    </Stack>
  );
}
