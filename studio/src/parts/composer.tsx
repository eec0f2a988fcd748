import { useEffect, useId, useRef, useState } from "preact/hooks";
import { ApiError, told } from "../api/client";
import type { Video } from "../api/types";
import { usd } from "../logic/format";
import { bodyOf, change, draft, orderKey } from "../state/draft";
import { cheapest, modelOf, models, pricePerSecond, usable } from "../state/models";
import { note } from "../state/notices";
import { session } from "../state/session";
import { keep } from "../state/videos";
import { ImageDrop } from "./image-drop";
import { LengthPicker } from "./length-picker";
import { Quote, useQuote } from "./quote";
import { SizePicker } from "./size-picker";

export function Composer() {
  const id = useId();
  const order = draft.value;
  const model = modelOf(order.model);
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState<ApiError | null>(null);
  const sent = useRef<{ order: typeof order; key: string } | null>(null);
  const quote = useQuote(order);
  const refusesImage = Boolean(order.image && model && !model.inputs.first_frame);
  // Without its model nothing is known of lengths and sizes: an order would be of none.
  const ready = Boolean(model && order.prompt.trim() && !refusesImage && !busy);

  useEffect(() => {
    const first = usable.value[0];
    if (!model && first) change({ model: first.id });
  }, [usable.value]);

  async function submit(event: Event) {
    event.preventDefault();
    const client = session.value?.client;
    if (!client || !ready) return;
    setBusy(true);
    setWrong(null);
    if (sent.current?.order !== order) sent.current = { order, key: orderKey() };
    try {
      const video = await client.post<Video>("/v1/videos", bodyOf(order), {
        "Idempotency-Key": sent.current.key,
      });
      sent.current = null;
      keep(video);
      change({ prompt: "", image: null });
      const warned = video.warnings?.map((warning) => warning.message).join(" ");
      note(warned ? `Ordered. ${warned}` : "Ordered: it is on the wall.");
    } catch (fault) {
      setWrong(fault instanceof ApiError ? fault : new ApiError(0, told(fault)));
    } finally {
      setBusy(false);
    }
  }

  const price = model && pricePerSecond(model, order.size, order.sound);
  const cost = quote.value?.cost_usd ?? (price === undefined ? null : price * order.seconds);
  return (
    <form class="composer" onSubmit={submit} aria-labelledby={`${id}-title`}>
      <h1 id={`${id}-title`}>New video</h1>
      <div class="field">
        <label for={`${id}-prompt`}>Prompt</label>
        <textarea
          id={`${id}-prompt`}
          rows={4}
          required
          maxLength={model?.max_prompt_characters}
          placeholder="What the video shows: a subject, what it does, the light, the camera"
          value={order.prompt}
          onInput={(event) => change({ prompt: event.currentTarget.value })}
          onKeyDown={(event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void submit(event);
          }}
        />
      </div>
      <ImageDrop />
      {refusesImage && (
        <p class="error" role="alert">
          {order.model} starts from no picture. Choose another model, or take the picture away.
        </p>
      )}
      <div class="field">
        <label for={`${id}-model`}>Model</label>
        <select
          id={`${id}-model`}
          value={order.model}
          onChange={(event) => change({ model: event.currentTarget.value })}
        >
          {models.value.map((each) => (
            <option key={each.id} value={each.id} disabled={!each.available}>
              {each.id}
              {each.available ? from(cheapest(each)) : ": not set up"}
            </option>
          ))}
        </select>
        {model?.retires_at && <p class="hint">Retires on {model.retires_at}.</p>}
      </div>
      {model && <LengthPicker lengths={model.seconds} />}
      {model && <SizePicker sizes={model.sizes} />}
      {model?.sound === "chosen" && (
        <label class="check">
          <input
            type="checkbox"
            checked={order.sound ?? true}
            onChange={(event) => change({ sound: event.currentTarget.checked })}
          />
          With sound
        </label>
      )}
      <Quote quote={quote} />
      {wrong && (
        <p class="error" role="alert">
          {wrong.message}
        </p>
      )}
      <button type="submit" class="primary order" disabled={!ready}>
        {busy ? "Ordering …" : model ? "Make video" : "Looking for models …"}
        {model && <span class="price">{cost === null ? "price unknown" : usd(cost)}</span>}
      </button>
    </form>
  );
}

function from(price: number | undefined): string {
  return price === undefined ? "" : ` · from ${usd(price)}/s`;
}
