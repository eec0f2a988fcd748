import { useEffect } from "preact/hooks";
import type { Page } from "../api/types";
import { useAsked } from "../asked";
import { BatchCard } from "../batches/card";
import { BatchOrder } from "../batches/order";
import { type Batch, hasEnded } from "../batches/types";

/** Batches have no events of their own: so often they are asked for while one is under way. */
const EVERY_MS = 3_000;

export function Batches() {
  const { value, wrong, again } = useAsked<Page<Batch>>("/v1/video_batches?limit=50");
  const busy = value?.data.some((batch) => !hasEnded(batch) && batch.status !== "paused");
  useEffect(() => {
    if (!busy) return undefined;
    const timer = window.setInterval(() => {
      if (!document.hidden) again();
    }, EVERY_MS);
    return () => window.clearInterval(timer);
  }, [busy, again]);
  return (
    <div class="videos">
      <BatchOrder onOrdered={again} />
      <section class="wall" aria-labelledby="batches-title">
        <h2 id="batches-title">Your batches</h2>
        {wrong && <p class="error">{wrong}</p>}
        {value?.data.length === 0 && (
          <p class="empty">Nothing here yet. A file of shots becomes a batch of videos.</p>
        )}
        <ul class="batches">
          {value?.data.map((batch) => (
            <li key={batch.id}>
              <BatchCard batch={batch} onChange={again} />
            </li>
          ))}
        </ul>
      </section>
    </div>
  );
}
