import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { Fit } from "../api/types";
import { bytes } from "../logic/format";
import { fitNote, nearestSize, parseSize, type Size } from "../logic/sizes";
import { change, draft } from "../state/draft";
import { modelOf } from "../state/models";
import { announce } from "../state/notices";

const FITS: { fit: Fit; name: string; object: string }[] = [
  { fit: "cover", name: "Fill", object: "cover" },
  { fit: "contain", name: "Whole", object: "contain" },
  { fit: "stretch", name: "Stretch", object: "fill" },
];
const TYPES = "image/jpeg,image/png,image/webp,image/heic,image/avif";

/** Takes the picture that the video starts from, and shows how it will be fitted to the size. */
export function ImageDrop() {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const { image } = draft.value;

  function take(files: FileList | null | undefined) {
    const file = files?.[0];
    if (!file?.type.startsWith("image/")) return;
    change({ image: file });
    announce(`${file.name} is the first frame.`);
  }

  const handlers = {
    onDragOver(event: DragEvent) {
      event.preventDefault();
      setOver(true);
    },
    onDragLeave: () => setOver(false),
    onDrop(event: DragEvent) {
      event.preventDefault();
      setOver(false);
      take(event.dataTransfer?.files);
    },
  };
  return (
    <div class={`field drop ${over ? "over" : ""}`} {...handlers}>
      <input
        ref={input}
        id={`${id}-image`}
        class="unseen"
        type="file"
        accept={TYPES}
        onChange={(event) => take(event.currentTarget.files)}
      />
      <label for={`${id}-image`} class={image ? "unseen" : "target"}>
        <b>First frame</b>
        <span>Drop a picture here, or choose one</span>
      </label>
      {image && (
        <Preview
          file={image}
          onRemove={() => {
            change({ image: null });
            if (input.current) {
              input.current.value = "";
              input.current.focus();
            }
          }}
        />
      )}
    </div>
  );
}

function Preview({ file, onRemove }: { file: File; onRemove: () => void }) {
  const id = useId();
  const [url, setUrl] = useState<string | null>(null);
  const [picture, setPicture] = useState<Size | null>(null);
  const [unreadable, setUnreadable] = useState(false);
  const { fit, size } = draft.value;
  const frame = parseSize(size);
  useEffect(() => {
    const made = URL.createObjectURL(file);
    setUrl(made);
    setPicture(null);
    setUnreadable(false);
    return () => URL.revokeObjectURL(made);
  }, [file]);

  function measured(shown: HTMLImageElement) {
    const found = { width: shown.naturalWidth, height: shown.naturalHeight };
    setPicture(found);
    const best = nearestSize(modelOf(draft.value.model)?.sizes ?? [], found);
    if (best) change({ size: best });
  }

  return (
    <>
      <div class="between">
        <b>First frame</b>
        <button type="button" class="quiet" onClick={onRemove}>
          Remove
        </button>
      </div>
      <div
        class="frame"
        style={{
          aspectRatio: `${frame.width} / ${frame.height}`,
          maxWidth: `${Math.round((frame.width / frame.height) * 240)}px`,
        }}
      >
        {unreadable ? (
          <p>This browser can't show the picture. It is fitted all the same.</p>
        ) : (
          url && (
            <img
              src={url}
              alt={`The first frame as the video will start: ${file.name}`}
              style={{ objectFit: FITS.find((each) => each.fit === fit)?.object ?? "cover" }}
              onLoad={(event) => measured(event.currentTarget)}
              onError={() => setUnreadable(true)}
            />
          )
        )}
      </div>
      <fieldset class="fits">
        <legend class="unseen">How the picture is brought to the size of the video</legend>
        <div class="choices">
          {FITS.map((each) => (
            <label key={each.fit} class="choice">
              <input
                type="radio"
                name={`${id}-fit`}
                checked={each.fit === fit}
                onChange={() => change({ fit: each.fit })}
              />
              <span>{each.name}</span>
            </label>
          ))}
        </div>
      </fieldset>
      <p class="hint" aria-live="polite">
        {picture && `${fitNote(picture, frame, fit)} `}
        {file.name}, {picture && `${picture.width}×${picture.height}, `}
        {bytes(file.size)}
      </p>
    </>
  );
}
