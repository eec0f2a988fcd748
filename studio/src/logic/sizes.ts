/** Sizes of videos, and what becomes of a picture that is brought to one. */

import type { Fit } from "../api/types";

export interface Size {
  width: number;
  height: number;
}

/** `1280x720` as numbers. */
export function parseSize(text: string): Size {
  const [width = 16, height = 9] = text.split("x").map(Number);
  return { width, height };
}

/** The names that people know shapes by, else the numbers. */
export function shapeName(text: string): string {
  const { width, height } = parseSize(text);
  const ratio = width / height;
  const known: [string, number][] = [
    ["16:9", 16 / 9],
    ["9:16", 9 / 16],
    ["1:1", 1],
    ["4:3", 4 / 3],
    ["3:4", 3 / 4],
    ["3:2", 3 / 2],
    ["2:3", 2 / 3],
    ["21:9", 21 / 9],
  ];
  return known.find(([, value]) => Math.abs(ratio / value - 1) < 0.04)?.[0] ?? `${width}:${height}`;
}

/** Of the sizes, the one whose shape is nearest to the picture's; the first of equals. */
export function nearestSize(sizes: string[], picture: Size): string | undefined {
  const wanted = Math.log(picture.width / picture.height);
  let best: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const size of sizes) {
    const { width, height } = parseSize(size);
    const off = Math.abs(Math.log(width / height) - wanted);
    if (off < least - 1e-6) {
      best = size;
      least = off;
    }
  }
  return best;
}

/** What bringing a picture to a size does to it, in a sentence. */
export function fitNote(picture: Size, size: Size, fit: Fit): string {
  const wide = picture.width / picture.height / (size.width / size.height);
  if (Math.abs(wide - 1) < 0.005) return "The picture has the shape of the video.";
  const share = Math.round((1 - Math.min(wide, 1 / wide)) * 100);
  const sideways = wide > 1;
  if (fit === "cover") {
    return `${share}% of the picture is cut off, ${sideways ? "left and right" : "at top and bottom"}.`;
  }
  if (fit === "contain") {
    return `Bars ${sideways ? "above and below" : "left and right"} take ${share}% of the video.`;
  }
  return `The picture is stretched by ${Math.round((Math.max(wide, 1 / wide) - 1) * 100)}% ${
    sideways ? "upwards" : "sideways"
  }.`;
}
