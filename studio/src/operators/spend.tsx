import { useState } from "preact/hooks";
import { useAsked } from "../asked";
import { usd } from "../logic/format";
import type { Spend as Found } from "./types";

const GROUPS = ["owner", "model", "provider", "key", "user", "tag", "day"];

/** What was spent this month, by what one likes. */
export function Spend() {
  const [group, setGroup] = useState("owner");
  const { value, wrong } = useAsked<Found>(`/v1/admin/spend?group_by=${group}&limit=50`);
  const most = Math.max(...(value?.data.map((row) => row.cost_usd) ?? []), 0.000001);
  return (
    <section aria-labelledby="spend-title">
      <header class="between">
        <h2 id="spend-title">Spend this month</h2>
        <span class="inline">
          by{" "}
          <select
            aria-label="Spend by"
            value={group}
            onChange={(event) => setGroup(event.currentTarget.value)}
          >
            {GROUPS.map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </span>
      </header>
      {wrong && <p class="error">{wrong}</p>}
      {value && (
        <div class="scroll">
          <table>
            <thead>
              <tr>
                <th scope="col">{group}</th>
                <th scope="col" class="number">
                  Videos
                </th>
                <th scope="col" class="number">
                  Seconds
                </th>
                <th scope="col" class="number">
                  Cost
                </th>
                <th scope="col" class="wide">
                  <span class="unseen">Share of the largest</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {value.data.map((row) => (
                <tr key={row.group}>
                  <th scope="row">{row.group ?? "none"}</th>
                  <td class="number">{row.videos}</td>
                  <td class="number">{row.seconds}</td>
                  <td class="number">
                    {usd(row.cost_usd)}
                    {row.unpriced > 0 && <small> and {row.unpriced} without a price</small>}
                  </td>
                  <td class="wide" aria-hidden="true">
                    <i class="share" style={{ width: `${(row.cost_usd / most) * 100}%` }} />
                  </td>
                </tr>
              ))}
            </tbody>
            <tfoot>
              <tr>
                <th scope="row">In all</th>
                <td class="number">{value.total.videos}</td>
                <td class="number">{value.total.seconds}</td>
                <td class="number">{usd(value.total.cost_usd)}</td>
                <td class="wide" />
              </tr>
            </tfoot>
          </table>
        </div>
      )}
    </section>
  );
}
