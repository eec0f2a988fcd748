import { defineConfig } from "vite";

// Of a running stack, for `npm run dev`: the page from here, all else from there.
const app = "http://127.0.0.1:7071";

export default defineConfig({
  base: "/studio/",
  build: {
    target: "es2022",
    cssTarget: ["chrome123", "firefox120", "safari17.5"], // all know light-dark()
    assetsInlineLimit: 0, // the content security policy allows no data: addresses
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    license: { fileName: "assets/licenses.txt" }, // of what is bundled, as they ask for
  },
  server: { proxy: { "/v1": app, "/studio/config.json": app, "/.auth": app } },
});
