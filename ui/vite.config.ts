import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// Where `npm run dev` starts the backend. It answers only to its own address, so a request has to look like one to it.
const backend = "http://127.0.0.1:4780";

export default defineConfig({
  plugins: [react()],
  // Relative addresses: the same build is served by the window and by `baton serve`.
  base: "./",
  server: {
    port: 5173,
    strictPort: true,
    proxy: { "/api": { target: backend, changeOrigin: true, headers: { Origin: backend } } },
  },
  build: {
    // Old enough for the WebKitGTK of the last Debian.
    target: ["es2022", "safari16"],
    chunkSizeWarningLimit: 900,
    // Fonts stay files: the content policy allows `data:` fonts, but a file is cached.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  test: {
    environment: "happy-dom",
    setupFiles: ["src/test-setup.ts"],
    restoreMocks: true,
  },
});
