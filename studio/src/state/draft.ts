/** What is being composed. */

import { signal } from "@preact/signals";
import type { Order, Video } from "../api/types";
import { modelOf } from "./models";

export const draft = signal<Order>({
  model: "",
  prompt: "",
  seconds: 0,
  size: "",
  sound: null,
  image: null,
  fit: "cover",
});

/** Change the draft, and bring what does not fit the model any more to what does. */
export function change(changes: Partial<Order>): void {
  const next = { ...draft.value, ...changes };
  const model = modelOf(next.model);
  if (model) {
    if (!model.seconds.includes(next.seconds)) next.seconds = model.seconds[0] ?? 0;
    if (!model.sizes.includes(next.size)) next.size = model.sizes[0] ?? "";
    if (model.sound !== "chosen") next.sound = null;
    else next.sound ??= true;
  }
  draft.value = next;
}

/** Compose what a video was ordered with, as far as the page knows it. */
export function composeLike(video: Video): void {
  change({
    prompt: video.prompt,
    ...(modelOf(video.model)
      ? { model: video.model, seconds: Number(video.seconds), size: video.size }
      : {}),
  });
}

/** The body of a create, as the API takes it. */
export function bodyOf(order: Order): unknown {
  const fields: Record<string, string | number | boolean> = {
    model: order.model,
    prompt: order.prompt.trim(),
    seconds: String(order.seconds),
    size: order.size,
  };
  if (order.sound !== null) fields.generate_audio = order.sound;
  if (!order.image) return fields;
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, String(value));
  form.set("fit", order.fit);
  form.set("input_reference", order.image);
  return form;
}

/** A key for one order, however often it is sent: nobody pays twice for a lost answer. */
export function orderKey(): string {
  const random = crypto.getRandomValues(new Uint8Array(16));
  return `studio-${Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
