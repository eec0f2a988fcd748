/** Where in the page one is: `#/`, `#/videos/ID`, `#/batches`, `#/operators`. */

import { computed, signal } from "@preact/signals";

const hash = signal(location.hash);
window.addEventListener("hashchange", () => {
  hash.value = location.hash;
});

export const route = computed(() => {
  const [page = "", id = null] = hash.value.replace(/^#\/?/, "").split("/");
  return { page, id };
});

export function go(to: string): void {
  location.hash = to;
}
