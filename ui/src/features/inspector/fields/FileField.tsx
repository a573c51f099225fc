import { ActionIcon, TextInput, Tooltip } from "@mantine/core";
import { FileInput as FileIcon, FolderOpen } from "lucide-react";
import { pickOpen, pickSave } from "../../../state/picker";
import { tellError } from "../../../state/tell";
import { textOf } from "../../expression/template";
import type { FieldProps } from "../field-props";
import { useForm } from "../form-context";

/** `path` as it is written into a document that stands in the folder of `file`. */
export function relativeTo(file: string | null, path: string): string {
  const folder = file?.replace(/[\\/][^\\/]*$/, "");
  if (!folder) {
    return path;
  }
  const unified = path.replaceAll("\\", "/");
  const base = `${folder.replaceAll("\\", "/")}/`;
  return unified.startsWith(base) ? unified.slice(base.length) : path;
}

/** A file to read or to write. */
export default function FileField({
  field,
  value,
  onChange,
  inputId,
  describedBy,
  isInvalid,
  isReadOnly,
}: FieldProps) {
  const form = useForm();
  const isSave = field.widget === "save-file";
  const pick = isSave ? pickSave : pickOpen;
  const text = textOf(value);
  const browse = async () => {
    try {
      const path = await pick({
        title: field.label,
        endings: [],
        ...(form.path ? { start: form.path } : {}),
        ...(isSave && text ? { suggested: text } : {}),
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
    <TextInput
      id={inputId}
      aria-describedby={describedBy}
      error={isInvalid}
      readOnly={isReadOnly}
      value={text}
      placeholder={field.placeholder ?? (isSave ? "results/report.csv" : "data/customers.csv")}
      onChange={(event) => onChange(event.currentTarget.value === "" ? undefined : event.currentTarget.value)}
      leftSection={<FileIcon size={14} />}
      rightSection={
        isReadOnly ? null : (
          <Tooltip label={isSave ? "Choose where to write" : "Choose a file"}>
            <ActionIcon size="sm" aria-label={`Browse for ${field.label}`} onClick={() => void browse()}>
              <FolderOpen size={14} />
            </ActionIcon>
          </Tooltip>
        )
      }
      spellCheck={false}
      autoComplete="off"
    />
  );
}
