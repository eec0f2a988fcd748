import { useState } from "preact/hooks";
import { told } from "../api/client";
import { useAsked } from "../asked";
import { usd } from "../logic/format";
import { note } from "../state/notices";
import { session } from "../state/session";
import type { Budget, Key, Period } from "./types";

const PERIODS: { period: Period; field: "day_usd" | "month_usd" | "total_usd"; name: string }[] = [
  { period: "day", field: "day_usd", name: "A day" },
  { period: "month", field: "month_usd", name: "A month" },
  { period: "total", field: "total_usd", name: "In all" },
];

/** Who has keys, and what each may spend. */
export function Owners({ keys }: { keys: Key[] }) {
  const owners = [...new Set(keys.map((key) => key.owner))].sort();
  return (
    <section aria-labelledby="owners-title">
      <h2 id="owners-title">Owners and budgets</h2>
      <ul class="owners">
        {owners.map((owner) => (
          <Owner
            key={owner}
            owner={owner}
            keys={keys.filter((key) => key.owner === owner && key.state === "active").length}
          />
        ))}
      </ul>
    </section>
  );
}

function Owner({ owner, keys }: { owner: string; keys: number }) {
  const path = `/v1/admin/budgets/${encodeURIComponent(owner)}`;
  const { value, wrong, again } = useAsked<{ data: Budget[] }>(path);
  const budget = value?.data.find((each) => each.scope === "owner") ?? null;
  const [open, setOpen] = useState(false);
  return (
    <li>
      <div class="between">
        <h3>{owner}</h3>
        <small>
          {keys} {keys === 1 ? "active key" : "active keys"}
        </small>
      </div>
      {wrong && <p class="error">{wrong}</p>}
      {value && !budget && <p class="hint">No budget: it may spend without limit.</p>}
      {budget?.standings.map((standing) => (
        <p key={standing.period} class="standing">
          <span>
            {PERIODS.find((each) => each.period === standing.period)?.name}:{" "}
            {usd(standing.spent_usd + standing.held_usd)} of {usd(standing.limit_usd)}
          </span>
          <meter
            min={0}
            max={standing.limit_usd || 1}
            high={(standing.limit_usd || 1) * 0.8}
            optimum={0}
            value={standing.spent_usd + standing.held_usd}
            aria-label={`Spent or held of the budget of ${owner}`}
          />
        </p>
      ))}
      <button type="button" class="quiet" aria-expanded={open} onClick={() => setOpen(!open)}>
        {budget ? "Change the budget" : "Set a budget"}
      </button>
      {open && value && (
        <BudgetForm
          path={path}
          budget={budget}
          onDone={() => {
            setOpen(false);
            again();
          }}
        />
      )}
    </li>
  );
}

function BudgetForm({
  path,
  budget,
  onDone,
}: {
  path: string;
  budget: Budget | null;
  onDone: () => void;
}) {
  const [wrong, setWrong] = useState<string | null>(null);
  const client = session.value?.client;

  async function run(work: () => Promise<unknown>, said: string) {
    setWrong(null);
    try {
      await work();
      note(said);
      onDone();
    } catch (fault) {
      setWrong(told(fault));
    }
  }

  function save(event: SubmitEvent) {
    event.preventDefault();
    const given = new FormData(event.currentTarget as HTMLFormElement);
    const limits: Record<string, number> = {};
    for (const { field } of PERIODS) {
      const text = String(given.get(field) ?? "").trim();
      if (text) limits[field] = Number(text);
    }
    void run(() => client?.send("PUT", path, limits) ?? Promise.resolve(), "The budget is set.");
  }

  return (
    <form class="budget" onSubmit={save}>
      {PERIODS.map(({ field, name }) => (
        <label key={field}>
          {name}, US dollars
          <input
            name={field}
            type="number"
            min={0}
            step="any"
            inputMode="decimal"
            defaultValue={budget?.[field] ?? ""}
          />
        </label>
      ))}
      <div class="actions">
        <button type="submit" class="primary">
          Save
        </button>
        {budget && (
          <button
            type="button"
            onClick={() =>
              run(() => client?.send("DELETE", path) ?? Promise.resolve(), "The budget is gone.")
            }
          >
            Remove
          </button>
        )}
      </div>
      {wrong && (
        <p class="error" role="alert">
          {wrong}
        </p>
      )}
    </form>
  );
}
