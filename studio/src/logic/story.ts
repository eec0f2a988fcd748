/** Where a video is in its life, in the words of the page. */

import type { Video } from "../api/types";
import { span } from "./format";

const PHASES: Record<string, string> = {
  accepted: "Accepted",
  waiting: "Waiting for its turn",
  submitting: "Being sent",
  unresolved: "Held for an operator",
  rendering: "Rendering",
  archiving: "Being fetched",
  done: "Ready",
  failed: "Failed",
  cancelled: "Cancelled",
};

export function isFinal(video: Video): boolean {
  return video.status === "completed" || video.status === "failed";
}

export function headline(video: Video): string {
  return PHASES[video.phase] ?? video.phase;
}

/** What is next and when, while it is under way; `now` in Unix seconds. */
export function outlook(video: Video, now: number): string {
  if (isFinal(video)) return "";
  if (video.queue) {
    const { position, of, eta_seconds } = video.queue;
    return `${position} of ${of} in line, its turn in about ${span(eta_seconds)}`;
  }
  const left = video.estimated_completion_at && video.estimated_completion_at - now;
  if (!left) return "";
  return left > 1 ? `ready in about ${span(left)}` : "ready any moment";
}
