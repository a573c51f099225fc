/** How to call a webhook from a shell, behind a line that opens it. */
import { UnstyledButton } from "@mantine/core";
import { ChevronRight } from "lucide-react";
import { useId, useState } from "react";
import CopyLine from "./CopyLine";
import { type Call, curlOf } from "./webhook-words";
import classes from "./webhooks.module.css";

export default function CurlExample({ call }: { call: Call }) {
  const [isOpen, setOpen] = useState(false);
  const id = useId();
  return (
    <div>
      <UnstyledButton
        className={classes.more}
        aria-expanded={isOpen}
        {...(isOpen ? { "aria-controls": id } : {})}
        onClick={() => setOpen(!isOpen)}
        data-testid="hook-curl-open"
      >
        <ChevronRight size={13} className={classes.chevron} data-open={isOpen || undefined} aria-hidden />
        Example call
      </UnstyledButton>
      {isOpen && (
        <div id={id} className={classes.example}>
          <p className={classes.help}>
            {call.auth === "header"
              ? "The sender puts the secret into a header. "
              : "The sender signs the time and the body with the secret. "}
            In a shell that has <code>{call.variable}</code>:
          </p>
          <CopyLine text={curlOf(call)} what="the example" isBlock testId="hook-curl" />
        </div>
      )}
    </div>
  );
}
