import { useState } from "preact/hooks";
import { told } from "../api/client";
import { usd, when } from "../logic/format";
import { saveAs } from "../parts/save";
import { note } from "../state/notices";
import { session } from "../state/session";
import { type Batch, type BatchLinks, hasEnded } from "./types";

/** One batch: how far it is, what it costs, and what can be done about it. */
export function BatchCard({ batch, onChange }: { batch: Batch; onChange: () => void }) {
  const [busy, setBusy] = useState(false);
  const client = session.value?.client;
  const { counts } = batch;
  const ended = counts.completed + counts.failed + counts.cancelled;

  async function run(work: () => Promise<unknown>) {
    setBusy(true);
    try {
      await work();
      onChange();
    } catch (fault) {
      note(told(fault), true);
    } finally {
      setBusy(false);
    }
  }
  const call = (verb: string) => () =>
    run(async () => client?.post(`/v1/video_batches/${batch.id}/${verb}`));
  const results = () =>
    run(async () => {
      if (!client) return;
      const path = `/v1/video_batches/${batch.id}`;
      const link = (await client.get<BatchLinks>(`${path}/links`)).results.download_url;
      if (link) return saveAs(link, `${batch.id}.csv`);
      const copy = await (await client.fetch("GET", `${path}/results`)).blob();
      saveAs(URL.createObjectURL(copy), `${batch.id}.csv`);
    });

  const name = batch.name ?? batch.id;
  return (
    <article class="batch" aria-label={`Batch ${name}`}>
      <header class="between">
        <h3>{name}</h3>
        <span class={`state ${batch.status}`}>{batch.status.replace("_", " ")}</span>
      </header>
      <progress max={counts.total || 1} value={ended} aria-label={`Progress of ${name}`} />
      <p class="facts">
        {counts.completed} of {counts.total} ready
        {counts.in_progress > 0 && `, ${counts.in_progress} under way`}
        {counts.queued > 0 && `, ${counts.queued} wait`}
        {counts.failed > 0 && `, ${counts.failed} failed`}
        {counts.cancelled > 0 && `, ${counts.cancelled} cancelled`} · {usd(batch.cost_usd.so_far)}{" "}
        of at most {usd(batch.cost_usd.estimated)} · {when(batch.created_at)}
      </p>
      {batch.error && <p class="error">{batch.error.message}</p>}
      <div class="actions">
        {batch.status === "in_progress" && (
          <button type="button" onClick={call("pause")} disabled={busy}>
            Pause
          </button>
        )}
        {batch.status === "paused" && (
          <button type="button" class="primary" onClick={call("resume")} disabled={busy}>
            Resume
          </button>
        )}
        {!hasEnded(batch) && batch.status !== "canceling" && (
          <button type="button" onClick={call("cancel")} disabled={busy}>
            Cancel
          </button>
        )}
        {hasEnded(batch) && counts.failed > 0 && (
          <button type="button" onClick={call("retry")} disabled={busy}>
            Retry what failed
          </button>
        )}
        {batch.results_url && (
          <button type="button" onClick={results} disabled={busy}>
            Results as CSV
          </button>
        )}
      </div>
    </article>
  );
}
