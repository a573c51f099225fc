import { ActionIcon, TextInput, type TextInputProps, Tooltip } from "@mantine/core";
import { FolderOpen } from "lucide-react";
import { pickOpen } from "../../state/picker";
import { tellError } from "../../state/tell";

interface PathFieldProps extends Omit<TextInputProps, "onChange"> {
  label: string;
  help?: string;
  value: string;
  onChange?: (event: { currentTarget: { value: string } }) => void;
}

/** A file or folder of this machine, typed or looked for. */
export function PathField({ label, help, value, onChange, ...rest }: PathFieldProps) {
  const browse = async () => {
    try {
      const path = await pickOpen({ title: label, endings: [], ...(value ? { start: value } : {}) });
      if (path) onChange?.({ currentTarget: { value: path } });
    } catch (thrown) {
      tellError("No file was chosen", thrown);
    }
  };
  return (
    <TextInput
      label={label}
      description={help}
      value={value}
      {...(onChange ? { onChange } : {})}
      {...rest}
      rightSection={
        <Tooltip label="Choose a file">
          <ActionIcon size="sm" aria-label={`Browse for ${label}`} onClick={() => void browse()}>
            <FolderOpen size={14} />
          </ActionIcon>
        </Tooltip>
      }
    />
  );
}
