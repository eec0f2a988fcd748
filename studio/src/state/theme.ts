/** Dark or light: as the system has it, unless somebody chose. */

import { effect, signal } from "@preact/signals";

export type Theme = "auto" | "light" | "dark";
const STORE = "dailies.studio.theme";

function kept(): Theme {
  const found = localStorage.getItem(STORE);
  return found === "light" || found === "dark" ? found : "auto";
}

export const theme = signal<Theme>(kept());

effect(() => {
  document.documentElement.dataset.theme = theme.value;
  localStorage.setItem(STORE, theme.value);
});
