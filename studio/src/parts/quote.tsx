import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ApiError, serverNow, told } from "../api/client";
import type { DryRun, Order } from "../api/types";
import { span } from "../logic/format";
import { bodyOf } from "../state/draft";
import { session } from "../state/session";

/** So long nothing is changed before the app is asked, in milliseconds. */
const PAUSE = 450;

export interface QuoteState {
  value: DryRun | null;
  wrong: string | null;
}

/** What the app says would become of the order as it stands; a dry run, which costs nothing. */
export function useQuote(order: Order): QuoteState {
  const quote: Signal<QuoteState> = useSignal({ value: null, wrong: null });
  const client = session.value?.client;
  // The words of a prompt change no price, so one is asked for with whatever stands there.
  const hasPrompt = order.prompt.trim() !== "";
  useEffect(() => {
    if (!client || !order.model) return undefined;
    const stopping = new AbortController();
    quote.value = { value: null, wrong: null };
    const pause = window.setTimeout(async () => {
      const body = bodyOf({ ...order, prompt: hasPrompt ? order.prompt : "-" });
      try {
        const value = await client.json<DryRun>("POST", "/v1/videos?dry_run=true", {
          body: body instanceof FormData ? body : JSON.stringify(body),
          signal: stopping.signal,
        });
        quote.value = { value, wrong: value.error?.message ?? null };
      } catch (fault) {
        if (stopping.signal.aborted) return;
        const temporary = fault instanceof ApiError && (fault.status === 0 || fault.status >= 429);
        quote.value = { value: null, wrong: temporary ? null : told(fault) };
      }
    }, PAUSE);
    return () => {
      window.clearTimeout(pause);
      stopping.abort();
    };
  }, [
    client,
    order.model,
    order.seconds,
    order.size,
    order.sound,
    order.image,
    order.fit,
    hasPrompt,
  ]);
  return quote.value;
}

export function Quote({ quote }: { quote: QuoteState }) {
  const found = quote.value;
  return (
    <p class={quote.wrong ? "quote error" : "quote"} aria-live="polite">
      {quote.wrong ?? (found ? outlook(found) : "Looking at what it would take …")}
    </p>
  );
}

function outlook(found: DryRun): string {
  const by = found.provider ? `By ${found.provider}` : "By nobody at the moment";
  if (found.ends_at === null) return `${by}; nobody can tell when.`;
  const waits = found.starts_at === null ? 0 : found.starts_at - serverNow();
  const line = waits > 20 ? `, its turn in about ${span(waits)}` : "";
  return `${by}${line}, ready in about ${span(found.ends_at - serverNow())}.`;
}
