import { Button, Code, Stack, Text } from "@mantine/core";
import { Component, type ReactNode } from "react";

type Props = { what: string; children: ReactNode };

/** Keeps a mistake in one part from taking the others with it. Edits are in the journal in any case. */
export class ErrorBoundary extends Component<Props, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override componentDidCatch(error: Error): void {
    console.error(`${this.props.what} failed`, error);
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <Stack p="md" gap="xs" align="flex-start" role="alert">
        <Text fw={600}>{this.props.what} stopped working</Text>
        <Text size="sm" c="dimmed">
          Your edits are kept. Try to show it again; if that does not help, reload the window.
        </Text>
        <Code block>{error.message}</Code>
        <Button size="compact-sm" variant="default" onClick={() => this.setState({ error: null })}>
          Show it again
        </Button>
      </Stack>
    );
  }
}
