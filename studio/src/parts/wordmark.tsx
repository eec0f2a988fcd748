export function Wordmark() {
  return (
    <span class="wordmark">
      <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
        <rect width="32" height="32" rx="7" fill="#191613" />
        <path
          d="M7 8v16M25 8v16"
          stroke="#ffb067"
          stroke-width="3"
          stroke-dasharray="2.6 2.1"
          fill="none"
        />
        <path d="M12.5 10.5v11l9-5.5z" fill="#ffb067" />
      </svg>
      Dailies
    </span>
  );
}
