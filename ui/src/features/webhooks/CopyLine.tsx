/** A text to take elsewhere, and the button that copies it. */
import { ActionIcon, Tooltip } from "@mantine/core";
import { Copy } from "lucide-react";
import { copyText } from "../data/copy";
import classes from "./webhooks.module.css";

interface CopyLineProps {
  text: string;
  /** `the address`, for the button and what is said afterwards. */
  what: string;
  isBlock?: boolean;
  testId?: string;
}

export default function CopyLine({ text, what, isBlock = false, testId }: CopyLineProps) {
  return (
    <div className={classes.copy} data-block={isBlock || undefined}>
      {isBlock ? <pre data-testid={testId}>{text}</pre> : <code data-testid={testId}>{text}</code>}
      <Tooltip label={`Copy ${what}`}>
        <ActionIcon size="sm" aria-label={`Copy ${what}`} onClick={() => copyText(text, `Copied ${what}`)}>
          <Copy size={14} />
        </ActionIcon>
      </Tooltip>
    </div>
  );
}
