import { useEffect, useState } from "preact/hooks";
import type { Video } from "../api/types";
import { parseSize } from "../logic/sizes";
import { useAddress } from "./address";

export const COLUMNS = 4;
export const ROWS = 3;
export const TILES = COLUMNS * ROWS;

/** The address of a video's spritesheet, if its tiles lie as ours do: a provider's own may not. */
export function useSheet(video: Video | null): string | null {
  const address = useAddress(video?.id ?? null, "spritesheet");
  const [good, setGood] = useState<string | null>(null);
  useEffect(() => {
    if (!address || !video) return undefined;
    const sheet = new Image();
    sheet.onload = () => {
      const tile = sheet.naturalWidth / COLUMNS / (sheet.naturalHeight / ROWS);
      const { width, height } = parseSize(video.size);
      setGood(Math.abs(tile / (width / height) - 1) < 0.05 ? address : null);
    };
    sheet.src = address;
    return () => {
      sheet.onload = null;
    };
  }, [address, video?.size]);
  return good;
}

/** One tile of a sheet, `at` from 0 to 1 of the video, in the middle of what is around it. */
export function Tile({ sheet, at, size }: { sheet: string; at: number; size: string }) {
  const { width, height } = parseSize(size);
  const tile = Math.min(TILES - 1, Math.floor(at * TILES));
  const column = tile % COLUMNS;
  const row = Math.floor(tile / COLUMNS);
  return (
    <span class="tile" style={{ aspectRatio: `${width} / ${height}` }}>
      <img
        src={sheet}
        alt=""
        style={{
          width: `${COLUMNS * 100}%`,
          height: `${ROWS * 100}%`,
          transform: `translate(${(-column * 100) / COLUMNS}%, ${(-row * 100) / ROWS}%)`,
        }}
      />
    </span>
  );
}
