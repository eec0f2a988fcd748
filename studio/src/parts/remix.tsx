import { useState } from "preact/hooks";
import { told } from "../api/client";
import type { Video } from "../api/types";
import { note } from "../state/notices";
import { go } from "../state/route";
import { session } from "../state/session";
import { keep } from "../state/videos";

/** Makes a new video of a finished one. */
export function Remix({ video }: { video: Video }) {
  const [prompt, setPrompt] = useState("");
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState<string | null>(null);

  async function submit(event: Event) {
    event.preventDefault();
    const client = session.value?.client;
    if (!client || !prompt.trim()) return;
    setBusy(true);
    setWrong(null);
    try {
      const made = await client.post<Video>(`/v1/videos/${video.id}/remix`, {
        prompt: prompt.trim(),
      });
      keep(made);
      note("Ordered: the remix is on the wall.");
      go("/");
    } catch (fault) {
      setWrong(told(fault));
      setBusy(false);
    }
  }

  return (
    <form class="remix" onSubmit={submit}>
      <label for="remix-prompt">Remix: what is to be different</label>
      <div class="row">
        <input
          id="remix-prompt"
          value={prompt}
          onInput={(event) => setPrompt(event.currentTarget.value)}
          placeholder="The same at night"
        />
        <button type="submit" disabled={busy || !prompt.trim()}>
          Remix
        </button>
      </div>
      {wrong && (
        <p class="error" role="alert">
          {wrong}
        </p>
      )}
    </form>
  );
}
