/** What the public API answers, as far as the studio reads it; see docs/api.md. Times are Unix seconds. */

export type Status = "queued" | "in_progress" | "completed" | "failed";

export interface Video {
  id: string;
  model: string;
  status: Status;
  phase: string;
  progress: number;
  queue?: { position: number; of: number; eta_seconds: number };
  created_at: number;
  estimated_completion_at?: number;
  completed_at: number | null;
  expires_at: number | null;
  seconds: string;
  size: string;
  prompt: string;
  remixed_from_video_id: string | null;
  user: string | null;
  source: { type: "http" | "drop" | "batch" | "operator"; blob: string | null };
  error: { code: string; message: string } | null;
  provider: string | null;
  deployment: string | null;
  cost_usd: number | null;
  cost_is_estimate: boolean;
  warnings?: Warning[];
}

export interface Warning {
  param: string;
  code: string;
  message: string;
}

export interface Page<T> {
  data: T[];
  has_more: boolean;
  last_id: string | null;
}

export interface Model {
  id: string;
  owned_by: string;
  available: boolean;
  retires_at: string | null;
  seconds: number[];
  extension_seconds: number[];
  sizes: string[];
  inputs: { first_frame: boolean };
  sound: "never" | "always" | "chosen" | null;
  negative_prompt: boolean;
  operations: ("create" | "remix" | "edit" | "extend")[];
  max_prompt_characters: number;
  prices: Record<string, number> | null;
  silent_prices: Record<string, number> | null;
}

export interface DryRun {
  model: string;
  seconds: string;
  size: string;
  images: { role: string; size: string }[];
  provider: string | null;
  starts_at: number | null;
  ends_at: number | null;
  render_seconds: number | null;
  cost_usd: number | null;
  error: { code: string; message: string } | null;
  warnings?: Warning[];
}

export type Variant = "video" | "thumbnail" | "spritesheet";

export interface VideoLinks {
  id: string;
  expires_at: number;
  data: {
    variant: Variant;
    content_type: string;
    bytes: number;
    url: string | null;
    download_url: string | null;
  }[];
}

export interface Identity {
  owner: string;
  key_id: string;
  operator: boolean;
}

export type Fit = "cover" | "contain" | "stretch";

/** A video to be made, as the composer sends it. */
export interface Order {
  model: string;
  prompt: string;
  seconds: number;
  size: string;
  sound: boolean | null;
  image: File | null;
  fit: Fit;
}
