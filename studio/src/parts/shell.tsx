import type { ComponentChildren } from "preact";
import { route } from "../state/route";
import { session, signOut } from "../state/session";
import { type Theme, theme } from "../state/theme";
import { live } from "../state/videos";
import { Wordmark } from "./wordmark";

export function Shell({ children }: { children: ComponentChildren }) {
  const identity = session.value?.identity;
  return (
    <>
      <a class="skip" href="#main">
        Skip to content
      </a>
      <header class="bar">
        <Wordmark />
        <nav aria-label="Pages">
          <Place to="" name="Videos" />
          <Place to="batches" name="Batches" />
          {identity?.operator && <Place to="operators" name="Operators" />}
        </nav>
        <div class="account">
          <Live />
          <ThemeSwitch />
          <span class="owner" title={`Key ${identity?.key_id}`}>
            {identity?.owner}
          </span>
          <button type="button" class="quiet" onClick={() => signOut()}>
            Sign out
          </button>
        </div>
      </header>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
    </>
  );
}

function Place({ to, name }: { to: string; name: string }) {
  const here = (route.value.page === "videos" ? "" : route.value.page) === to;
  return (
    <a href={`#/${to}`} aria-current={here ? "page" : undefined}>
      {name}
    </a>
  );
}

function Live() {
  const words = { true: "Live", false: "Reconnecting", null: "Connecting" }[`${live.value}`];
  return (
    <span class={`live ${live.value ? "on" : ""}`}>
      <span class="dot" aria-hidden="true" />
      {words}
    </span>
  );
}

function ThemeSwitch() {
  return (
    <label class="theme">
      <span class="unseen">Colours</span>
      <select
        value={theme.value}
        onChange={(event) => {
          theme.value = event.currentTarget.value as Theme;
        }}
      >
        <option value="auto">System</option>
        <option value="light">Light</option>
        <option value="dark">Dark</option>
      </select>
    </label>
  );
}
