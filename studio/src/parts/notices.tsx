import { announcement, dismiss, notice } from "../state/notices";

export function Notices() {
  const shown = notice.value;
  return (
    <>
      <div class="unseen" role="status" aria-live="polite">
        {announcement}
      </div>
      {shown && (
        <aside class={`notice ${shown.bad ? "bad" : ""}`} aria-label="Notice">
          <span>{shown.text}</span>
          <button type="button" class="plain" onClick={dismiss} aria-label="Dismiss">
            ×
          </button>
        </aside>
      )}
    </>
  );
}
