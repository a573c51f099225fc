import { ActionIcon, Autocomplete, Tooltip } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { FolderOpen, Workflow } from "lucide-react";
import { recentQuery, sampleQuery } from "../../../backend/queries";
import { pickOpen } from "../../../state/picker";
import { tellError } from "../../../state/tell";
import { textOf } from "../../expression/template";
import type { FieldProps } from "../field-props";
import { useForm } from "../form-context";
import { relativeTo } from "./FileField";

/** Another workflow: a file, or the id of a saved one. */
export default function WorkflowField({
  field,
  value,
  onChange,
  inputId,
  describedBy,
  isInvalid,
  isReadOnly,
}: FieldProps) {
  const form = useForm();
  const recent = useQuery(recentQuery);
  const samples = useQuery(sampleQuery);
  const known = [
    ...(recent.data?.files ?? [])
      .filter((file) => file.exists && file.path !== form.path)
      .map((file) => relativeTo(form.path, file.path)),
    ...(samples.data?.samples ?? []).map((sample) => sample.id),
  ];
  const browse = async () => {
    try {
      const path = await pickOpen({
        title: field.label,
        endings: [".baton.json"],
        ...(form.path ? { start: form.path } : {}),
      });
      if (path) {
        form.newGesture();
        onChange(relativeTo(form.path, path));
      }
    } catch (error) {
      tellError("No file was chosen", error);
    }
  };
  return (
    <Autocomplete
      id={inputId}
      aria-describedby={describedBy}
      size="xs"
      error={isInvalid}
      readOnly={isReadOnly}
      value={textOf(value)}
      onChange={(next) => onChange(next === "" ? undefined : next)}
      data={[...new Set(known)]}
      placeholder={field.placeholder ?? "enrich.baton.json"}
      leftSection={<Workflow size={14} />}
      rightSection={
        isReadOnly ? null : (
          <Tooltip label="Choose a workflow">
            <ActionIcon size="sm" aria-label={`Browse for ${field.label}`} onClick={() => void browse()}>
              <FolderOpen size={14} />
            </ActionIcon>
          </Tooltip>
        )
      }
      spellCheck={false}
    />
  );
}
