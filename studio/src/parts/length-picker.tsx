import { useId } from "preact/hooks";
import { change, draft } from "../state/draft";

/** So many lengths are buttons beside each other; more are a slider. */
const MOST_BUTTONS = 4;

export function LengthPicker({ lengths }: { lengths: number[] }) {
  const id = useId();
  const sorted = [...lengths].sort((a, b) => a - b);
  const chosen = draft.value.seconds;
  if (sorted.length <= MOST_BUTTONS) {
    return (
      <fieldset class="field">
        <legend>Length</legend>
        <div class="choices">
          {sorted.map((seconds) => (
            <label key={seconds} class="choice">
              <input
                type="radio"
                name={`${id}-length`}
                checked={seconds === chosen}
                onChange={() => change({ seconds })}
              />
              <span>{seconds} s</span>
            </label>
          ))}
        </div>
      </fieldset>
    );
  }
  return (
    <div class="field">
      <div class="between">
        <label for={`${id}-length`}>Length</label>
        <output for={`${id}-length`}>{chosen} s</output>
      </div>
      <input
        id={`${id}-length`}
        type="range"
        min={0}
        max={sorted.length - 1}
        value={sorted.indexOf(chosen)}
        aria-valuetext={`${chosen} seconds`}
        onInput={(event) => {
          const seconds = sorted[Number(event.currentTarget.value)];
          if (seconds !== undefined) change({ seconds });
        }}
      />
    </div>
  );
}
