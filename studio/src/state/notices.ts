/** What is said to whoever listens rather than looks, and short notes at the edge of the page. */

import { signal } from "@preact/signals";

export const announcement = signal("");
export const notice = signal<{ text: string; bad: boolean } | null>(null);
let fading = 0;

export function announce(text: string): void {
  announcement.value = text;
}

export function note(text: string, bad = false): void {
  announce(text);
  notice.value = { text, bad };
  window.clearTimeout(fading);
  fading = window.setTimeout(() => dismiss(), bad ? 12_000 : 5_000);
}

export function dismiss(): void {
  notice.value = null;
}
