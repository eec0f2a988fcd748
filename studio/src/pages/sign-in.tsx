import { useEffect, useRef, useState } from "preact/hooks";
import { told } from "../api/client";
import { Wordmark } from "../parts/wordmark";
import { knowsEntra, refusedBecause, signIn } from "../state/session";

export function SignIn() {
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState<string | null>(null);
  const [entra, setEntra] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    field.current?.focus();
    void knowsEntra().then(setEntra);
  }, []);

  async function submit(event: Event) {
    event.preventDefault();
    const key = field.current?.value.trim();
    if (!key) return;
    setBusy(true);
    setWrong(null);
    try {
      await signIn({ kind: "key", key });
    } catch (fault) {
      setWrong(told(fault));
      setBusy(false);
      field.current?.select();
    }
  }

  const message = wrong ?? refusedBecause.value;
  return (
    <main class="centre">
      <section class="sign-in" aria-labelledby="sign-in-title">
        <Wordmark />
        <h1 id="sign-in-title">Sign in to the studio</h1>
        <form onSubmit={submit}>
          <label for="key">API key</label>
          <input
            ref={field}
            id="key"
            type="password"
            autocomplete="off"
            spellcheck={false}
            required
            aria-describedby="key-hint"
            aria-invalid={message ? true : undefined}
          />
          <p id="key-hint" class="hint">
            It stays in this tab and is forgotten when you close it.
          </p>
          {message && (
            <p class="error" role="alert">
              {message}
            </p>
          )}
          <button type="submit" class="primary" disabled={busy}>
            {busy ? "Signing in …" : "Sign in"}
          </button>
        </form>
        {entra && (
          <>
            <p class="or">or</p>
            <a
              class="button"
              href={`/.auth/login/aad?post_login_redirect_uri=${encodeURIComponent("/studio#entra")}`}
            >
              Sign in with Microsoft Entra ID
            </a>
          </>
        )}
      </section>
    </main>
  );
}
