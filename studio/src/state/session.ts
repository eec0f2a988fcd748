/** Who is signed in. The key is kept for as long as the browser's tab is open, and nowhere else. */

import { signal } from "@preact/signals";
import { ApiError, Client, type Credentials } from "../api/client";
import type { Identity } from "../api/types";

const STORE = "dailies.studio.session";

export interface Session {
  client: Client;
  identity: Identity;
  kind: Credentials["kind"];
}

export const session = signal<Session | null>(null);
/** Why the page asks to sign in, where that needs to be said. */
export const refusedBecause = signal<string | null>(null);
/** Whether somebody who was signed in is being recognised again. */
export const resuming = signal(true);

export async function signIn(credentials: Credentials): Promise<void> {
  const client = new Client(credentials, () => {
    if (session.value) signOut("Your key is not taken any more. Sign in again.");
  });
  const identity = await client.get<Identity>("/v1/whoami");
  sessionStorage.setItem(STORE, JSON.stringify(credentials));
  refusedBecause.value = null;
  session.value = { client, identity, kind: credentials.kind };
}

export function signOut(why: string | null = null): void {
  const was = session.value;
  sessionStorage.removeItem(STORE);
  refusedBecause.value = why;
  session.value = null;
  if (was?.kind === "entra" && why === null) {
    location.assign("/.auth/logout?post_logout_redirect_uri=/studio");
  }
}

/** Take up the tab's session, or that of Entra from which the browser comes back. */
export async function resume(): Promise<void> {
  const kept = sessionStorage.getItem(STORE);
  const credentials = kept
    ? (JSON.parse(kept) as Credentials)
    : location.hash === "#entra"
      ? ({ kind: "entra" } as const)
      : null;
  if (location.hash === "#entra") history.replaceState(null, "", "#/");
  try {
    if (credentials) await signIn(credentials);
  } catch (fault) {
    if (fault instanceof ApiError && (fault.status === 401 || fault.status === 403)) {
      signOut(fault.message);
    } else {
      refusedBecause.value = fault instanceof Error ? fault.message : String(fault);
    }
  } finally {
    resuming.value = false;
  }
}

/** Whether this app lets people in by Microsoft Entra ID. */
export async function knowsEntra(): Promise<boolean> {
  try {
    const answer = await fetch("/studio/config.json");
    return ((await answer.json()) as { entra: boolean }).entra;
  } catch {
    return false;
  }
}
