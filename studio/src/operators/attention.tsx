import { useAsked } from "../asked";
import { when } from "../logic/format";
import type { Attention as Found } from "./types";

/** What does not go on alone, the most urgent first. */
export function Attention() {
  const { value, wrong, again } = useAsked<Found>("/v1/admin/attention");
  return (
    <section aria-labelledby="attention-title">
      <header class="between">
        <h2 id="attention-title">What needs an eye</h2>
        <button type="button" class="quiet" onClick={again}>
          Look again
        </button>
      </header>
      {wrong && <p class="error">{wrong}</p>}
      {value?.data.length === 0 && <p class="calm">Nothing: all goes on by itself.</p>}
      <ul class="concerns">
        {value?.data.map((concern) => (
          <li key={`${concern.kind} ${concern.about}`}>
            <p>
              <b>{concern.kind.replaceAll("_", " ")}</b> <code>{concern.about}</code>
              {concern.owner && <> of {concern.owner}</>}
              {concern.since !== null && <small> since {when(concern.since)}</small>}
            </p>
            <p>{concern.why}</p>
            <p class="hint">{concern.remedy}</p>
            {concern.call && <code>{concern.call}</code>}
          </li>
        ))}
      </ul>
      {value && value.left_out.length > 0 && (
        <details>
          <summary>Deployments that are not in use ({value.left_out.length})</summary>
          <ul class="hint">
            {value.left_out.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}
