import { MantineProvider, Stack, Text, Title } from "@mantine/core";
import { Unplug } from "lucide-react";
import { theme } from "../theme/theme";

/** A page with one message, for when there is nothing else to show. */
export function FullPage({ title, text, hint }: { title: string; text: string; hint: string }) {
  return (
    <MantineProvider theme={theme} defaultColorScheme="auto">
      <Stack h="100vh" align="center" justify="center" gap="sm" p="xl" ta="center" role="alert">
        <Unplug size={40} strokeWidth={1.5} color="var(--bt-text-muted)" aria-hidden />
        <Title order={1} size="h2">
          {title}
        </Title>
        <Text maw={460}>{text}</Text>
        <Text maw={460} c="dimmed" size="sm">
          {hint}
        </Text>
      </Stack>
    </MantineProvider>
  );
}
