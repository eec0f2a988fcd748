import { useRef, useState } from "preact/hooks";
import { told } from "../api/client";
import { when } from "../logic/format";
import { note } from "../state/notices";
import { session } from "../state/session";
import type { Key } from "./types";

/** All keys: issue, rotate, revoke. */
export function Keys({ keys, onChange }: { keys: Key[]; onChange: () => void }) {
  const [secret, setSecret] = useState<Key | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const form = useRef<HTMLFormElement>(null);
  const client = session.value?.client;

  async function run(work: () => Promise<void>) {
    setWrong(null);
    try {
      await work();
      onChange();
    } catch (fault) {
      setWrong(told(fault));
    }
  }

  function issue(event: SubmitEvent) {
    event.preventDefault();
    const given = new FormData(event.currentTarget as HTMLFormElement);
    void run(async () => {
      if (!client) return;
      const body = { owner: given.get("owner"), name: given.get("name") };
      setSecret(await client.post<Key>("/v1/admin/keys", body));
      form.current?.reset();
    });
  }

  return (
    <section aria-labelledby="keys-title">
      <h2 id="keys-title">Keys</h2>
      <form ref={form} class="issue" onSubmit={issue}>
        <label>
          Owner
          <input
            name="owner"
            required
            pattern="[a-z0-9][a-z0-9\-]{0,62}"
            title="Lower-case letters, digits, hyphens"
            autocomplete="off"
          />
        </label>
        <label>
          What it is for
          <input name="name" maxLength={128} autocomplete="off" />
        </label>
        <button type="submit">Issue a key</button>
      </form>
      {wrong && (
        <p class="error" role="alert">
          {wrong}
        </p>
      )}
      {secret?.key && <Secret secret={secret} onDone={() => setSecret(null)} />}
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Owner</th>
              <th scope="col">Key</th>
              <th scope="col">State</th>
              <th scope="col">Since</th>
              <th scope="col">
                <span class="unseen">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {keys.map((key) => (
              <tr key={key.id}>
                <th scope="row">{key.owner}</th>
                <td>
                  {key.name || <span class="hint">no name</span>}
                  <br />
                  <code>{key.prefix ?? key.id}</code>
                </td>
                <td>
                  {key.state}
                  {key.operator && ", operator"}
                </td>
                <td>{key.created_at ? when(key.created_at) : "in the settings"}</td>
                <td>
                  {key.source === "issued" && key.state === "active" && (
                    <Change
                      key={key.id}
                      about={key}
                      onRotate={() =>
                        run(async () => {
                          if (!client) return;
                          setSecret(await client.post<Key>(`/v1/admin/keys/${key.id}/rotate`, {}));
                        })
                      }
                      onRevoke={() =>
                        run(async () => {
                          await client?.send("DELETE", `/v1/admin/keys/${key.id}`);
                          note("The key is revoked.");
                        })
                      }
                    />
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Change({
  about,
  onRotate,
  onRevoke,
}: {
  about: Key;
  onRotate: () => void;
  onRevoke: () => void;
}) {
  const [asked, setAsked] = useState(false);
  const name = about.name || about.id;
  if (asked) {
    return (
      <span class="actions">
        <button type="button" class="danger" onClick={onRevoke}>
          Revoke for good
        </button>
        <button type="button" class="quiet" onClick={() => setAsked(false)}>
          Keep
        </button>
      </span>
    );
  }
  return (
    <span class="actions">
      <button type="button" class="quiet" onClick={onRotate} aria-label={`Rotate ${name}`}>
        Rotate
      </button>
      <button
        type="button"
        class="quiet"
        onClick={() => setAsked(true)}
        aria-label={`Revoke ${name}`}
      >
        Revoke …
      </button>
    </span>
  );
}

function Secret({ secret, onDone }: { secret: Key; onDone: () => void }) {
  return (
    <div class="secret" role="alert">
      <p>
        The key of <b>{secret.owner}</b>. It is shown this once:
      </p>
      <code>{secret.key}</code>
      <div class="actions">
        <button
          type="button"
          onClick={async () => {
            await navigator.clipboard.writeText(secret.key ?? "");
            note("Copied.");
          }}
        >
          Copy
        </button>
        <button type="button" class="quiet" onClick={onDone}>
          I have it
        </button>
      </div>
    </div>
  );
}
