import { useState } from "preact/hooks";
import { told } from "../api/client";
import { note } from "../state/notices";
import { session } from "../state/session";
import { hasMore, loaded, loadMore, videos } from "../state/videos";
import { Card } from "./card";

export function Wall() {
  const [busy, setBusy] = useState(false);
  async function more() {
    const client = session.value?.client;
    if (!client) return;
    setBusy(true);
    try {
      await loadMore(client);
    } catch (fault) {
      note(told(fault), true);
    } finally {
      setBusy(false);
    }
  }
  const shown = videos.value;
  return (
    <section class="wall" aria-labelledby="wall-title" aria-busy={!loaded.value}>
      <h2 id="wall-title">Your videos</h2>
      {loaded.value && shown.length === 0 && (
        <p class="empty">Nothing here yet. Write a prompt, and your first video appears here.</p>
      )}
      <ul class="cards">
        {shown.map((video) => (
          <li key={video.id}>
            <Card video={video} />
          </li>
        ))}
      </ul>
      {hasMore.value && (
        <button type="button" class="more" onClick={more} disabled={busy}>
          {busy ? "Loading …" : "Show older videos"}
        </button>
      )}
    </section>
  );
}
