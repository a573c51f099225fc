/** The sign of Baton: a baton, held. */
export function Mark({ size = 24 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="#4a47c0" />
      <path d="M10.5 21.5 25 7" stroke="#fff" strokeWidth="2.6" strokeLinecap="round" />
      <circle cx="9" cy="23" r="3.8" fill="#fff" />
      <path
        d="M17 24.5c3.4-.4 6.4-2.4 8-5.6"
        stroke="#b9b7f5"
        strokeWidth="2.2"
        strokeLinecap="round"
        fill="none"
      />
    </svg>
  );
}
