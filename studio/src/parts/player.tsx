import { useRef, useState } from "preact/hooks";
import type { Video } from "../api/types";
import { useAddress } from "./address";
import { TILES, Tile, useSheet } from "./spritesheet";

/** Plays a video; below it lies its film, by which one gets to any place of it. */
export function Player({ video }: { video: Video }) {
  const player = useRef<HTMLVideoElement>(null);
  const address = useAddress(video.id, "video");
  const poster = useAddress(video.id, "thumbnail");
  const sheet = useSheet(video);
  const [at, setAt] = useState(0);
  const [wrong, setWrong] = useState(false);
  const seconds = Number(video.seconds);

  function seek(to: number) {
    setAt(to);
    const element = player.current;
    if (element && Number.isFinite(element.duration)) element.currentTime = to * element.duration;
  }

  return (
    <>
      <video
        ref={player}
        controls
        playsInline
        loop
        {...(address ? { src: address } : {})}
        {...(poster ? { poster } : {})}
        onError={() => setWrong(address !== null)}
        onTimeUpdate={(event) => {
          const { currentTime, duration } = event.currentTarget;
          if (duration) setAt(currentTime / duration);
        }}
      />
      {wrong && (
        <p class="error" role="alert">
          The video does not play: its link may be over. Close this and open it again.
        </p>
      )}
      {sheet && (
        <div class="film">
          <div class="strip" aria-hidden="true">
            {Array.from({ length: TILES }, (_, tile) => (
              <Tile key={`${tile}`} sheet={sheet} at={(tile + 0.5) / TILES} size={video.size} />
            ))}
          </div>
          <i class="head" style={{ left: `${at * 100}%` }} />
          <input
            type="range"
            min={0}
            max={1}
            step={0.005}
            value={at}
            aria-label="Place in the video"
            aria-valuetext={`${(at * seconds).toFixed(1)} of ${seconds} seconds`}
            onInput={(event) => seek(Number(event.currentTarget.value))}
          />
        </div>
      )}
    </>
  );
}
