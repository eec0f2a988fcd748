import { useState } from "preact/hooks";
import { told } from "../api/client";
import type { Video } from "../api/types";
import { isFinal } from "../logic/story";
import { composeLike } from "../state/draft";
import { addressOf } from "../state/files";
import { modelOf } from "../state/models";
import { note } from "../state/notices";
import { go } from "../state/route";
import { session } from "../state/session";
import { drop, keep } from "../state/videos";
import { Remix } from "./remix";
import { saveAs } from "./save";

export function Actions({ video }: { video: Video }) {
  const [busy, setBusy] = useState(false);
  const [asked, setAsked] = useState(false);
  const client = session.value?.client;
  if (!client) return null;

  async function run(work: () => Promise<void>) {
    setBusy(true);
    try {
      await work();
    } catch (fault) {
      note(told(fault), true);
    } finally {
      setBusy(false);
    }
  }

  const download = () =>
    run(async () => {
      const url = await addressOf(client, video.id, "video", true);
      if (url) saveAs(url, `${video.id}.mp4`);
    });
  const cancel = () =>
    run(async () => {
      keep(await client.post<Video>(`/v1/videos/${video.id}/cancel`));
      note("It is being cancelled.");
    });
  const remove = () =>
    run(async () => {
      await client.send("DELETE", `/v1/videos/${video.id}`);
      drop(video.id);
      note("The video is deleted.");
      go("/");
    });
  const retry = () =>
    run(async () => {
      keep(await client.post<Video>(`/v1/videos/${video.id}/retry`));
      note("Ordered again: it is on the wall.");
      go("/");
    });
  const again = () => {
    composeLike(video);
    go("/");
  };

  return (
    <>
      <div class="actions">
        {video.status === "completed" && (
          <button type="button" class="primary" onClick={download} disabled={busy}>
            Download
          </button>
        )}
        {video.phase === "failed" && (
          <button type="button" class="primary" onClick={retry} disabled={busy}>
            Try again
          </button>
        )}
        <button type="button" onClick={again}>
          Compose like this
        </button>
        {!isFinal(video) && (
          <button type="button" onClick={cancel} disabled={busy}>
            Cancel
          </button>
        )}
        {asked ? (
          <span class="sure" role="alert">
            Gone for good.
            <button type="button" class="danger" onClick={remove} disabled={busy}>
              Delete
            </button>
            <button type="button" class="quiet" onClick={() => setAsked(false)}>
              Keep
            </button>
          </span>
        ) : (
          <button type="button" class="quiet" onClick={() => setAsked(true)}>
            Delete …
          </button>
        )}
      </div>
      {video.status === "completed" && modelOf(video.model)?.operations.includes("remix") && (
        <Remix video={video} />
      )}
    </>
  );
}
