/** The wall: the owner's videos, newest first, as they are now. */

import { computed, signal } from "@preact/signals";
import type { Client } from "../api/client";
import { follow } from "../api/follow";
import type { Page, Video } from "../api/types";
import { isFinal } from "../logic/story";
import { announce } from "./notices";

const PAGE = 24;

const known = signal<ReadonlyMap<string, Video>>(new Map());
export const live = signal<boolean | null>(null);
export const hasMore = signal(false);
export const loaded = signal(false);
let after: string | null = null;

export const videos = computed(() =>
  [...known.value.values()].sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? 1 : -1)),
);

export function videoOf(id: string): Video | undefined {
  return known.value.get(id);
}

export function keep(...found: Video[]): void {
  const next = new Map(known.value);
  for (const video of found) next.set(video.id, video);
  known.value = next;
}

export function drop(id: string): void {
  const next = new Map(known.value);
  next.delete(id);
  known.value = next;
}

export async function loadMore(client: Client): Promise<void> {
  const from = after ? `&after=${encodeURIComponent(after)}` : "";
  const page = await client.get<Page<Video>>(`/v1/videos?limit=${PAGE}${from}`);
  after = page.last_id ?? after;
  keep(...page.data);
  hasMore.value = page.has_more;
  loaded.value = true;
}

/** Show the videos of whoever is signed in, until the function that is returned is called. */
export function watch(client: Client, onFault: (fault: unknown) => void): () => void {
  const stopping = new AbortController();
  known.value = new Map();
  after = null;
  loaded.value = false;
  loadMore(client).catch(onFault);
  void follow(
    client,
    {
      onVideo(video, event) {
        const before = known.value.get(video.id);
        keep(video);
        if (before && !isFinal(before) && event === "video.completed") {
          announce(`Ready: ${video.prompt}`);
        } else if (before && !isFinal(before) && event === "video.failed") {
          announce(`Failed: ${video.prompt}`);
        }
      },
      onDeleted: drop,
      onState(state) {
        live.value = state;
      },
    },
    stopping.signal,
  );
  return () => {
    stopping.abort();
    live.value = null;
    known.value = new Map();
  };
}
