/** What operators' calls answer, as far as the studio reads it; see docs/owners.md. */

export interface Concern {
  kind: string;
  about: string;
  owner: string | null;
  since: number | null;
  why: string;
  remedy: string;
  call: string | null;
}

export interface Attention {
  data: Concern[];
  complete: boolean;
  left_out: string[];
}

export interface SpendRow {
  group?: string | null;
  videos: number;
  completed: number;
  seconds: number;
  cost_usd: number;
  unpriced: number;
}

export interface Spend {
  from: string;
  to: string;
  data: SpendRow[];
  total: SpendRow;
  has_more: boolean;
}

export interface Key {
  id: string;
  source: "issued" | "settings";
  operator: boolean;
  prefix: string | null;
  owner: string;
  name: string;
  state: "active" | "revoked" | "expired";
  created_at: number | null;
  expires_at: number | null;
  secrets: { last_four: string; until: number | null }[];
  /** Only in the answer to an issue or a rotation, this once. */
  key?: string | null;
}

export type Period = "day" | "month" | "total";

export interface Budget {
  owner: string;
  scope: "owner" | "key" | "user";
  key: string | null;
  user: string | null;
  day_usd: number | null;
  month_usd: number | null;
  total_usd: number | null;
  standings: {
    period: Period;
    limit_usd: number;
    spent_usd: number;
    held_usd: number;
    left_usd: number;
    renews_at: number | null;
  }[];
}
