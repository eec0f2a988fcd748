import { useEffect, useRef, useState } from "preact/hooks";
import type { Video } from "../api/types";
import { usd } from "../logic/format";
import { shapeName } from "../logic/sizes";
import { headline, isFinal, outlook } from "../logic/story";
import { now } from "../state/clock";
import { useAddress } from "./address";
import { Tile, useSheet } from "./spritesheet";

/** One video of the wall: how it gets on, then its picture, through which the pointer scrubs. */
export function Card({ video }: { video: Video }) {
  const place = useRef<HTMLElement>(null);
  const near = useNear(place);
  return (
    <article ref={place} class={`card ${video.status}`} aria-label={video.prompt}>
      <a class="media" href={`#/videos/${video.id}`}>
        <span class="unseen">Open: {video.prompt}</span>
        {video.status === "completed" ? (
          near && <Still video={video} />
        ) : (
          <Progress video={video} />
        )}
      </a>
      <div class="about">
        <p class="prompt" title={video.prompt}>
          {video.prompt}
        </p>
        <p class="facts">
          {video.model} · {video.seconds} s · {shapeName(video.size)}
          {video.cost_usd !== null && ` · ${usd(video.cost_usd)}`}
        </p>
        {video.error && <p class="why">{video.error.message}</p>}
      </div>
    </article>
  );
}

function Progress({ video }: { video: Video }) {
  const ended = isFinal(video);
  return (
    <span class="progress">
      <b>{headline(video)}</b>
      {!ended && (
        <>
          <progress max={100} value={video.progress} aria-label={`Progress of: ${video.prompt}`}>
            {video.progress}%
          </progress>
          <span>
            {video.progress > 0 && `${video.progress}% · `}
            {outlook(video, now.value)}
          </span>
        </>
      )}
    </span>
  );
}

function Still({ video }: { video: Video }) {
  const thumbnail = useAddress(video.id, "thumbnail");
  const [at, setAt] = useState<number | null>(null);
  const [touched, setTouched] = useState(false);
  const sheet = useSheet(touched ? video : null);
  function scrub(event: PointerEvent) {
    if (event.pointerType === "touch") return;
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    setTouched(true);
    setAt(Math.max(0, Math.min(0.999, (event.clientX - box.left) / box.width)));
  }
  return (
    <span class="still" onPointerMove={scrub} onPointerLeave={() => setAt(null)}>
      {thumbnail && <img src={thumbnail} alt="" loading="lazy" />}
      {at !== null && sheet && <Tile sheet={sheet} at={at} size={video.size} />}
      {at !== null && sheet && <i class="head" style={{ left: `${at * 100}%` }} />}
      <span class="length">{video.seconds} s</span>
    </span>
  );
}

/** Whether a card has been near what is seen: only then its picture is asked for. */
function useNear(place: { current: HTMLElement | null }): boolean {
  const [near, setNear] = useState(false);
  useEffect(() => {
    if (!place.current) return undefined;
    const watcher = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) {
          setNear(true);
          watcher.disconnect();
        }
      },
      { rootMargin: "400px" },
    );
    watcher.observe(place.current);
    return () => watcher.disconnect();
  }, []);
  return near;
}
