import { useEffect, useId, useRef, useState } from "preact/hooks";
import { told } from "../api/client";
import { usd } from "../logic/format";
import { orderKey } from "../state/draft";
import { note } from "../state/notices";
import { session } from "../state/session";
import type { Batch, BatchDryRun } from "./types";

const TYPES: Record<string, string> = {
  jsonl: "application/jsonl",
  ndjson: "application/jsonl",
  csv: "text/csv",
  json: "application/json",
};

/** Takes a file of shots, has it checked and priced as a whole, and only then orders it. */
export function BatchOrder({ onOrdered }: { onOrdered: () => void }) {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const key = useRef(orderKey());
  const [file, setFile] = useState<File | null>(null);
  const [found, setFound] = useState<BatchDryRun | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const client = session.value?.client;

  useEffect(() => {
    setFound(null);
    setWrong(null);
    if (!file || !client) return undefined;
    let wanted = true;
    key.current = orderKey();
    client.json<BatchDryRun>("POST", "/v1/video_batches?dry_run=true", shots(file)).then(
      (value) => wanted && setFound(value),
      (fault) => wanted && setWrong(told(fault)),
    );
    return () => {
      wanted = false;
    };
  }, [file, client]);

  async function submit(event: Event) {
    event.preventDefault();
    if (!file || !client || !found?.valid) return;
    setBusy(true);
    try {
      const init = shots(file, { "Idempotency-Key": key.current });
      await client.json<Batch>("POST", "/v1/video_batches", init);
      note(`The batch of ${found.total} is accepted.`);
      setFile(null);
      if (input.current) input.current.value = "";
      onOrdered();
    } catch (fault) {
      setWrong(told(fault));
    } finally {
      setBusy(false);
    }
  }

  const handlers = {
    onDragOver: (event: DragEvent) => event.preventDefault(),
    onDrop(event: DragEvent) {
      event.preventDefault();
      setFile(event.dataTransfer?.files[0] ?? null);
    },
  };
  return (
    <form class="composer" onSubmit={submit} aria-labelledby={`${id}-title`}>
      <h1 id={`${id}-title`}>New batch</h1>
      <div class="field drop" {...handlers}>
        <input
          ref={input}
          id={`${id}-file`}
          class="unseen"
          type="file"
          accept=".jsonl,.ndjson,.csv,.json"
          onChange={(event) => setFile(event.currentTarget.files?.[0] ?? null)}
        />
        <label for={`${id}-file`} class="target">
          <b>{file ? file.name : "File of shots"}</b>
          <span>{file ? "Choose another" : "Drop JSON Lines or CSV here, or choose a file"}</span>
        </label>
      </div>
      <p class="hint">
        A shot is a line with the fields of an order: <code>prompt</code>, <code>model</code>,{" "}
        <code>seconds</code>, <code>size</code>, <code>image_url</code>. All are checked and priced
        before any is made.
      </p>
      <div aria-live="polite">
        {file && !found && !wrong && <p class="quote">Being checked …</p>}
        {found && <Checked found={found} />}
      </div>
      {wrong && (
        <p class="error" role="alert">
          {wrong}
        </p>
      )}
      <button type="submit" class="primary order" disabled={busy || !found?.valid}>
        {busy ? "Ordering …" : "Make all"}
        {found?.valid && <span class="price">at most {usd(found.estimated_usd)}</span>}
      </button>
    </form>
  );
}

function Checked({ found }: { found: BatchDryRun }) {
  const models = Object.entries(found.models).map(([name, count]) => `${count} × ${name}`);
  return (
    <>
      <p class="quote">
        {found.total} shots{models.length > 0 && `: ${models.join(", ")}`}
        {found.unpriced > 0 && `. The price of ${found.unpriced} is not known`}
      </p>
      {found.fault_count > 0 && (
        <>
          <p class="error">
            {found.fault_count} {found.fault_count === 1 ? "fault" : "faults"}; nothing is made
            before they are gone.
          </p>
          <ul class="faults">
            {found.faults.map((fault) => (
              <li key={`${fault.line} ${fault.param} ${fault.message}`}>
                <b>Line {fault.line}</b> {fault.message}
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}

function shots(file: File, headers: Record<string, string> = {}): RequestInit {
  const type = TYPES[file.name.split(".").pop()?.toLowerCase() ?? ""] ?? "application/jsonl";
  return { body: file, headers: { ...headers, "Content-Type": type } };
}
