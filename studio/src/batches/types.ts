/** Batches, as the API tells of them; see docs/batches.md. */

export interface Batch {
  id: string;
  name: string | null;
  status:
    | "validating"
    | "in_progress"
    | "paused"
    | "canceling"
    | "completed"
    | "cancelled"
    | "failed";
  counts: {
    total: number;
    queued: number;
    in_progress: number;
    completed: number;
    failed: number;
    cancelled: number;
  };
  cost_usd: { estimated: number; so_far: number };
  limit_usd: number | null;
  created_at: number;
  completed_at: number | null;
  error: { code: string; message: string } | null;
  results_url: string | null;
}

export interface BatchDryRun {
  valid: boolean;
  total: number;
  models: Record<string, number>;
  estimated_usd: number;
  unpriced: number;
  faults: { line: number; param: string | null; code: string | null; message: string }[];
  fault_count: number;
}

export interface BatchLinks {
  results: { url: string | null; download_url: string | null };
}

export function hasEnded(batch: Batch): boolean {
  return ["completed", "cancelled", "failed"].includes(batch.status);
}
