/** Inputs that were kept to start this workflow with: choose one, keep another, forget one. */
import { ActionIcon, Button, Popover, Select, TextInput, Tooltip } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { BookmarkPlus, Trash2 } from "lucide-react";
import { type FormEvent, useState } from "react";
import { call } from "../../backend/call";
import { keys, savedInputsQuery } from "../../backend/queries";
import { ask } from "../../state/ask";
import { useWhyNot } from "../../state/rights";
import { tellError } from "../../state/tell";
import classes from "./runs.module.css";

interface SavedInputsProps {
  workflow: string;
  /** The input as it is filled in now; `null` while it cannot be used. */
  current: unknown;
  onPick: (input: unknown) => void;
}

export default function SavedInputs({ workflow, current, onPick }: SavedInputsProps) {
  const client = useQueryClient();
  const saved = useQuery(savedInputsQuery(workflow));
  const whyNotKeep = useWhyNot("input_save");
  const whyNotForget = useWhyNot("input_delete");
  const [chosen, setChosen] = useState<string | null>(null);
  const [name, setName] = useState("");
  const [isOpen, setOpen] = useState(false);
  const inputs = saved.data?.inputs ?? [];
  const readAgain = () => client.invalidateQueries({ queryKey: [...keys.triggers, "inputs", workflow] });

  async function keep(event: FormEvent): Promise<void> {
    event.preventDefault();
    // The form of the run is around this one.
    event.stopPropagation();
    try {
      await call("input_save", { workflow, name: name.trim(), value: current });
      setChosen(name.trim());
      setName("");
      setOpen(false);
      await readAgain();
    } catch (thrown) {
      tellError("The input is not kept", thrown);
    }
  }

  async function forget(): Promise<void> {
    if (chosen === null) return;
    const answer = await ask({
      title: `Forget the input “${chosen}”?`,
      text: "Triggers that are fired with it need another one.",
      answers: [{ value: "forget", label: "Forget", look: "danger" }],
    });
    if (answer !== "forget") return;
    try {
      await call("input_delete", { workflow, name: chosen });
      setChosen(null);
      await readAgain();
    } catch (thrown) {
      tellError("The input is still kept", thrown);
    }
  }

  return (
    <div className={classes.saved}>
      {inputs.length > 0 && (
        <Select
          aria-label="Kept inputs"
          placeholder="Use a kept input"
          data={inputs.map((input) => input.name)}
          value={chosen}
          data-testid="saved-inputs"
          onChange={(next) => {
            setChosen(next);
            const picked = inputs.find((input) => input.name === next);
            if (picked) onPick(picked.value);
          }}
        />
      )}
      {chosen !== null && (
        <Tooltip label={whyNotForget ?? "Forget this input"}>
          <ActionIcon
            aria-label={`Forget ${chosen}`}
            disabled={whyNotForget !== null}
            onClick={() => void forget()}
          >
            <Trash2 size={15} />
          </ActionIcon>
        </Tooltip>
      )}
      <Popover opened={isOpen} onChange={setOpen} position="bottom-end" trapFocus withinPortal>
        <Popover.Target>
          <Button
            variant="subtle"
            size="compact-sm"
            leftSection={<BookmarkPlus size={14} />}
            disabled={current === null || whyNotKeep !== null}
            title={whyNotKeep ?? undefined}
            data-testid="keep-input"
            onClick={() => setOpen(!isOpen)}
          >
            Keep this input
          </Button>
        </Popover.Target>
        <Popover.Dropdown>
          <form className={classes.keep} onSubmit={(event) => void keep(event)}>
            <TextInput
              label="Name"
              placeholder="Usual night"
              value={name}
              maxLength={100}
              onChange={(event) => setName(event.currentTarget.value)}
              data-autofocus
            />
            <Button type="submit" size="compact-sm" disabled={name.trim() === ""}>
              Keep
            </Button>
          </form>
        </Popover.Dropdown>
      </Popover>
    </div>
  );
}
