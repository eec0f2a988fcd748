import { useId } from "preact/hooks";
import { parseSize, shapeName } from "../logic/sizes";
import { change, draft } from "../state/draft";

const ICON = 22;

export function SizePicker({ sizes }: { sizes: string[] }) {
  const id = useId();
  return (
    <fieldset class="field">
      <legend>Size</legend>
      <div class="choices sizes">
        {sizes.map((size) => (
          <label key={size} class="choice">
            <input
              type="radio"
              name={`${id}-size`}
              checked={size === draft.value.size}
              onChange={() => change({ size })}
            />
            <span>
              <Shape size={size} />
              <b>{shapeName(size)}</b>
              <small>{size.replace("x", "×")}</small>
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

function Shape({ size }: { size: string }) {
  const { width, height } = parseSize(size);
  const scale = ICON / Math.max(width, height);
  return (
    <i class="shape" aria-hidden="true">
      <i style={{ width: `${width * scale}px`, height: `${height * scale}px` }} />
    </i>
  );
}
