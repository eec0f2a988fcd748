import type { Page } from "../api/types";
import { useAsked } from "../asked";
import { Attention } from "../operators/attention";
import { Keys } from "../operators/keys";
import { Owners } from "../operators/owners";
import { Spend } from "../operators/spend";
import type { Key } from "../operators/types";

export function Operators() {
  const { value, wrong, again } = useAsked<Page<Key>>("/v1/admin/keys?limit=100");
  const keys = value?.data ?? [];
  return (
    <div class="operators">
      <h1>Operators</h1>
      <Attention />
      <Spend />
      {wrong && <p class="error">{wrong}</p>}
      {value?.has_more && (
        <p class="hint">The first hundred keys are shown; the command line lists all.</p>
      )}
      <Owners keys={keys} />
      <Keys keys={keys} onChange={again} />
    </div>
  );
}
