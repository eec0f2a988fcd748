/** The time, by the server's clock, for what counts down. */

import { signal } from "@preact/signals";
import { serverNow } from "../api/client";

export const now = signal(serverNow());

window.setInterval(() => {
  if (!document.hidden) now.value = serverNow();
}, 1000);
