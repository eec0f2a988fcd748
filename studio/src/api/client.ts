/** The one way to the API: with the key's header, and with errors as values of one type. */

export type Credentials = { kind: "key"; key: string } | { kind: "entra" };

/** An answer that says no, in the API's own words; `status` is 0 where there was no answer. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly code: string | null = null,
    readonly param: string | null = null,
  ) {
    super(message);
  }
}

/** By how much the server's clock is ahead of ours, in seconds: times in answers are the server's. */
let ahead = 0;

/** Unix seconds, by the server's clock. */
export function serverNow(): number {
  return Date.now() / 1000 + ahead;
}

export class Client {
  constructor(
    private readonly credentials: Credentials,
    private readonly onRefused: () => void,
  ) {}

  async get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return this.json<T>("GET", path, signal ? { signal } : {});
  }

  async post<T>(path: string, body?: unknown, headers?: Record<string, string>): Promise<T> {
    return this.json<T>("POST", path, { ...encoded(body), ...(headers ? { headers } : {}) });
  }

  async send<T>(method: "PUT" | "PATCH" | "DELETE", path: string, body?: unknown): Promise<T> {
    return this.json<T>(method, path, encoded(body));
  }

  async json<T>(method: string, path: string, init: RequestInit): Promise<T> {
    return (await (await this.fetch(method, path, init)).json()) as T;
  }

  /** The answer to a request, once it is a good one. */
  async fetch(method: string, path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (init.body && typeof init.body === "string") headers.set("Content-Type", "application/json");
    if (this.credentials.kind === "key") {
      headers.set("Authorization", `Bearer ${this.credentials.key}`);
    } else {
      // A session is a cookie. A header that no other site can set tells that this page asks.
      headers.set("X-Dailies-Studio", "1");
    }
    let answer: Response;
    try {
      answer = await fetch(path, { ...init, method, headers, cache: "no-store" });
    } catch (fault) {
      if (fault instanceof DOMException && fault.name === "AbortError") throw fault;
      throw new ApiError(
        0,
        "The app can't be reached. Look whether you are online, then try again.",
      );
    }
    const date = Date.parse(answer.headers.get("Date") ?? "");
    if (!Number.isNaN(date)) ahead = (date - Date.now()) / 1000;
    if (answer.ok) return answer;
    if (answer.status === 401) this.onRefused();
    throw await refusal(answer);
  }
}

function encoded(body: unknown): RequestInit {
  if (body === undefined) return {};
  return { body: body instanceof FormData ? body : JSON.stringify(body) };
}

async function refusal(answer: Response): Promise<ApiError> {
  try {
    const { error } = (await answer.json()) as {
      error: { message: string; code: string | null; param: string | null };
    };
    return new ApiError(answer.status, error.message, error.code, error.param);
  } catch {
    return new ApiError(answer.status, `The app answered with an error (${answer.status}).`);
  }
}

/** What to tell of a fault, whatever it is. */
export function told(fault: unknown): string {
  return fault instanceof Error ? fault.message : String(fault);
}
