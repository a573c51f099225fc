import { createTheme, type MantineColorsTuple } from "@mantine/core";

/** The one accent: iris. */
const iris: MantineColorsTuple = [
  "#f1f1fd",
  "#e1e1f9",
  "#c3c2f2",
  "#a2a0ea",
  "#8582e2",
  "#6c69da",
  "#5a57d0",
  "#4a47c0",
  "#3e3ba6",
  "#322f87",
];

/** Neutral greys with a trace of the accent, light to dark; Mantine's `dark` runs the same way. */
const dark: MantineColorsTuple = [
  "#e7e8ee",
  "#c2c4cf",
  "#9da0b0",
  "#7b7f91",
  "#3f4250",
  "#30323e",
  "#26282f",
  "#1d1e25",
  "#17181d",
  "#111216",
];

export const theme = createTheme({
  primaryColor: "iris",
  primaryShade: { light: 7, dark: 6 },
  colors: { iris, dark },
  autoContrast: true,
  fontFamily:
    "'Inter Variable', ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif",
  fontFamilyMonospace:
    "ui-monospace, 'SF Mono', 'Cascadia Code', Menlo, Consolas, 'DejaVu Sans Mono', monospace",
  fontSizes: { xs: "0.75rem", sm: "0.8125rem", md: "0.875rem", lg: "1rem", xl: "1.25rem" },
  lineHeights: { xs: "1.35", sm: "1.4", md: "1.45", lg: "1.5", xl: "1.4" },
  spacing: { xs: "0.375rem", sm: "0.625rem", md: "1rem", lg: "1.5rem", xl: "2.25rem" },
  radius: { xs: "4px", sm: "6px", md: "8px", lg: "12px", xl: "18px" },
  defaultRadius: "sm",
  cursorType: "pointer",
  focusRing: "auto",
  headings: { fontWeight: "650", sizes: { h1: { fontSize: "1.75rem" }, h2: { fontSize: "1.125rem" } } },
  components: {
    Button: { defaultProps: { size: "xs" } },
    ActionIcon: { defaultProps: { variant: "subtle", color: "gray" } },
    Tooltip: { defaultProps: { openDelay: 350, withArrow: false, position: "bottom", zIndex: 500 } },
    TextInput: { defaultProps: { size: "xs" } },
    NumberInput: { defaultProps: { size: "xs" } },
    PasswordInput: { defaultProps: { size: "xs" } },
    Select: { defaultProps: { size: "xs" } },
    Textarea: { defaultProps: { size: "xs" } },
    Switch: { defaultProps: { size: "xs" } },
    Modal: {
      styles: { title: { fontWeight: 650, fontSize: "1rem", letterSpacing: "-0.01em" } },
      defaultProps: {
        radius: "lg",
        overlayProps: { backgroundOpacity: 0.4 },
        closeButtonProps: { "aria-label": "Close" },
      },
    },
    // Without the placeholder a menu holds nothing but its items, and the first of them has the focus.
    Menu: { defaultProps: { shadow: "md", radius: "md", withInitialFocusPlaceholder: false } },
    Badge: { defaultProps: { radius: "sm", variant: "light" } },
  },
});
