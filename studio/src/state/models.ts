/** What can be made here. */

import { computed, signal } from "@preact/signals";
import type { Client } from "../api/client";
import type { Model, Page } from "../api/types";

export const models = signal<Model[]>([]);
export const usable = computed(() => models.value.filter((model) => model.available));

export async function loadModels(client: Client): Promise<void> {
  models.value = (await client.get<Page<Model>>("/v1/models")).data;
}

export function modelOf(id: string): Model | undefined {
  return models.value.find((model) => model.id === id);
}

/** What a second costs; undefined where nobody tells. */
export function pricePerSecond(model: Model, size: string, sound: boolean | null) {
  const silent = sound === false ? model.silent_prices?.[size] : undefined;
  return silent ?? model.prices?.[size];
}

export function cheapest(model: Model): number | undefined {
  const prices = Object.values(model.prices ?? {});
  return prices.length > 0 ? Math.min(...prices) : undefined;
}
