import "@fontsource-variable/inter/index.css";
import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "@mantine/spotlight/styles.css";
import "@xyflow/react/dist/base.css";
import "./theme/tokens.css";
import { createRoot } from "react-dom/client";
import { start } from "./app/start";

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");
void start(createRoot(root));
