/** All of an owner's videos as they change, for as long as the page is open. */

import { ApiError, type Client } from "./client";
import { EventParser } from "./sse";
import type { Video } from "./types";

export interface Listener {
  onVideo(video: Video, event: string): void;
  onDeleted(id: string): void;
  onState(live: boolean): void;
}

const SHORTEST_MS = 500;
const LONGEST_MS = 15_000;
/** The app sends a comment every 15 seconds: after so long without one the connection is dead. */
const SILENCE_MS = 40_000;

/** Listen until `signal` aborts; a stream that ends is taken up where it was left. */
export async function follow(client: Client, listener: Listener, signal: AbortSignal) {
  let lastId = "";
  let wait = SHORTEST_MS;
  while (!signal.aborted) {
    const attempt = new AbortController();
    const stop = () => attempt.abort();
    signal.addEventListener("abort", stop);
    let silence = window.setTimeout(stop, SILENCE_MS);
    try {
      const answer = await client.fetch("GET", "/v1/videos/events", {
        signal: attempt.signal,
        headers: lastId ? { "Last-Event-ID": lastId } : {},
      });
      if (!answer.body) throw new ApiError(0, "The browser gives no stream.");
      listener.onState(true);
      wait = SHORTEST_MS;
      const parser = new EventParser();
      const pieces = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { value, done } = await pieces.read();
        if (done) break;
        window.clearTimeout(silence);
        silence = window.setTimeout(stop, SILENCE_MS);
        for (const { event, data } of parser.push(value)) tell(listener, event, data);
        lastId = parser.lastId || lastId;
      }
    } catch (fault) {
      if (fault instanceof ApiError && fault.status === 401) return;
      if (!signal.aborted) listener.onState(false);
    } finally {
      window.clearTimeout(silence);
      signal.removeEventListener("abort", stop);
    }
    if (signal.aborted) return;
    await new Promise((resume) => window.setTimeout(resume, wait));
    wait = Math.min(LONGEST_MS, wait * 2);
  }
}

function tell(listener: Listener, event: string, data: string): void {
  const told = JSON.parse(data) as Video & { deleted?: boolean };
  if (told.deleted) listener.onDeleted(told.id);
  else listener.onVideo(told, event);
}
