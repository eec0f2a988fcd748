import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, told } from "../api/client";
import type { Video } from "../api/types";
import { usd, when } from "../logic/format";
import { headline, isFinal, outlook } from "../logic/story";
import { now } from "../state/clock";
import { go } from "../state/route";
import { session } from "../state/session";
import { keep, videoOf } from "../state/videos";
import { Actions } from "./actions";
import { Player } from "./player";

/** One video, large: to be played, and for all that can be done with it. */
export function Viewer({ id }: { id: string }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const client = session.value?.client;
  const video = videoOf(id);
  useEffect(() => {
    dialog.current?.showModal();
    return () => {
      // The address has changed twice by then, by which browsers forget where one was.
      const card = `a[href="#/videos/${CSS.escape(id)}"]`;
      window.setTimeout(() => document.querySelector<HTMLElement>(card)?.focus());
    };
  }, []);
  useEffect(() => {
    if (video || !client) return;
    client.get<Video>(`/v1/videos/${encodeURIComponent(id)}`).then(keep, (fault) => {
      setWrong(fault instanceof ApiError ? fault.message : told(fault));
    });
  }, [id, client]);
  const close = () => go("/");
  return (
    <dialog
      ref={dialog}
      class="viewer"
      aria-labelledby="viewer-title"
      onClose={close}
      closedby="any"
    >
      <div class="inside">
        <header class="between">
          <h2 id="viewer-title">{video ? headline(video) : "Video"}</h2>
          <button
            type="button"
            class="quiet"
            onClick={() => dialog.current?.close()}
            aria-label="Close"
          >
            Close
          </button>
        </header>
        {wrong && <p class="error">{wrong}</p>}
        {video && <Shown video={video} />}
      </div>
    </dialog>
  );
}

function Shown({ video }: { video: Video }) {
  return (
    <div class="shown">
      <div class="stage">
        {video.status === "completed" ? (
          <Player video={video} />
        ) : (
          <div class="waiting">
            {video.error ? (
              <p>{video.error.message}</p>
            ) : (
              <>
                <progress max={100} value={video.progress} aria-label="Progress" />
                <p>
                  {video.progress}% {outlook(video, now.value)}
                </p>
              </>
            )}
          </div>
        )}
      </div>
      <div class="side">
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must get there */}
        <section class="prompt" tabIndex={0} aria-label="Prompt">
          {video.prompt}
        </section>
        <dl>
          <Fact name="Model" value={video.model} />
          <Fact name="Length" value={`${video.seconds} s`} />
          <Fact name="Size" value={video.size.replace("x", "×")} />
          <Fact name="Made by" value={video.provider} />
          <Fact
            name="Cost"
            value={
              isFinal(video)
                ? `${usd(video.cost_usd)}${video.cost_is_estimate ? " or less" : ""}`
                : null
            }
          />
          <Fact name="Ordered" value={when(video.created_at)} />
          <Fact name="Ended" value={video.completed_at && when(video.completed_at)} />
          <Fact name="Kept until" value={video.expires_at && when(video.expires_at)} />
          <Fact name="Id" value={video.id} />
        </dl>
        <Actions video={video} />
      </div>
    </div>
  );
}

function Fact({ name, value }: { name: string; value: string | number | null }) {
  if (value === null) return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
