import { Button, MantineProvider, PasswordInput, Stack, Text, Title } from "@mantine/core";
import { type FormEvent, useEffect, useState } from "react";
import { toBackendError } from "../backend/backend";
import { Mark } from "../components/Mark";
import { theme } from "../theme/theme";

type Props = {
  /** Throws a `BackendError` if the token is no good. */
  signIn(token: string): Promise<void>;
  /** Why this page is shown again. */
  reason?: string | undefined;
};

/** Where users of a server come in: with the token that an administrator gave them. */
export function SignInPage({ signIn, reason }: Props) {
  const [token, setToken] = useState("");
  const [error, setError] = useState(reason ?? null);
  const [isBusy, setBusy] = useState(false);

  // A link with a token that is opened in this tab changes nothing of the address but its end.
  useEffect(() => {
    const takeLink = () => location.reload();
    window.addEventListener("hashchange", takeLink);
    return () => window.removeEventListener("hashchange", takeLink);
  }, []);

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    setBusy(true);
    try {
      await signIn(token.trim());
    } catch (thrown) {
      const { message, hint } = toBackendError(thrown);
      setError(hint ? `${message}: ${hint}` : message);
      setBusy(false);
    }
  }

  return (
    <MantineProvider theme={theme} defaultColorScheme="auto">
      <Stack component="main" h="100vh" align="center" justify="center" p="xl">
        <form onSubmit={(event) => void submit(event)} data-testid="sign-in">
          <Stack w={380} maw="100%" gap="md">
            <Mark size={36} />
            <Title order={1} size="h2">
              Sign in to Baton
            </Title>
            <PasswordInput
              label="Your token"
              description="An administrator of this server makes it: it begins with baton_"
              value={token}
              onChange={(event) => setToken(event.currentTarget.value)}
              error={error}
              autoComplete="current-password"
              data-autofocus
              data-testid="sign-in-token"
            />
            <Button
              type="submit"
              loading={isBusy}
              disabled={token.trim() === ""}
              data-testid="sign-in-button"
            >
              Sign in
            </Button>
            <Text size="sm" c="dimmed">
              The token stays in this tab until it is closed or you sign out.
            </Text>
          </Stack>
        </form>
      </Stack>
    </MantineProvider>
  );
}
