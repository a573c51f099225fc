import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { type RenderResult, render } from "@testing-library/react";
import type { ReactElement } from "react";
import { type Backend, setBackend } from "./backend/backend";
import { createQueryClient } from "./backend/queries";
import { theme } from "./theme/theme";

/** Draws a component of the app over a backend, for tests. */
export function renderWith(backend: Backend, element: ReactElement): RenderResult {
  setBackend(backend);
  return render(
    <QueryClientProvider client={createQueryClient()}>
      <MantineProvider theme={theme} env="test">
        {element}
      </MantineProvider>
    </QueryClientProvider>,
  );
}
