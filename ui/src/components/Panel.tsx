import { Alert, Button, Skeleton, Stack, Text } from "@mantine/core";
import { CircleAlert } from "lucide-react";
import { createContext, type ReactNode, useContext } from "react";
import { toBackendError } from "../backend/backend";
import classes from "./Panel.module.css";
import { Words } from "./Words";

type FrameProps = {
  title: string;
  /** Controls at the right of the title. */
  actions?: ReactNode;
  children: ReactNode;
  testId?: string;
};

/** A tab above the panel says its title already. */
export const TitleIsOnTab = createContext(false);

/** A panel with a heading and a body that scrolls. */
export function PanelFrame({ title, actions, children, testId }: FrameProps) {
  const isOnTab = useContext(TitleIsOnTab);
  return (
    <section className={classes.frame} aria-label={title} data-testid={testId}>
      {(!isOnTab || actions) && (
        <header className={classes.header}>
          <h2 className={classes.title}>{!isOnTab && title}</h2>
          {actions}
        </header>
      )}
      <div className={classes.body}>{children}</div>
    </section>
  );
}

type EmptyProps = { title: string; hint?: string; icon?: ReactNode; action?: ReactNode };

/** What a panel shows when there is nothing to show, and what to do about it. */
export function PanelEmpty({ title, hint, icon, action }: EmptyProps) {
  return (
    <Stack className={classes.empty} gap={6} align="center" justify="center">
      {icon && <span className={classes.emptyIcon}>{icon}</span>}
      <Text fw={600} size="sm">
        {title}
      </Text>
      {hint && (
        <Text size="sm" c="dimmed" ta="center" maw={340}>
          {hint}
        </Text>
      )}
      {action}
    </Stack>
  );
}

/** A failed command, with its way out. */
export function PanelError({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { code, message, hint } = toBackendError(error);
  return (
    <Alert
      m="sm"
      color="red"
      variant="light"
      icon={<CircleAlert size={18} />}
      title={<Words text={message} />}
    >
      <Stack gap="xs" align="flex-start">
        {hint && (
          <Text size="sm">
            <Words text={hint} />
          </Text>
        )}
        {code !== "internal" && <code className={classes.code}>{code}</code>}
        {onRetry && (
          <Button size="compact-sm" variant="default" onClick={onRetry}>
            Try again
          </Button>
        )}
      </Stack>
    </Alert>
  );
}

export function PanelSkeleton({ rows = 4 }: { rows?: number }) {
  return (
    <Stack gap="xs" p="sm" role="status" aria-busy="true" aria-label="Loading">
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the rows are all alike
        <Skeleton key={row} height={18} radius="sm" width={`${90 - (row % 3) * 15}%`} />
      ))}
    </Stack>
  );
}

/** Messages come in lower case; on their own they begin like a sentence. */
export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
