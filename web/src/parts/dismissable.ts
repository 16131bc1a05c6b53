/** Closes a `details` overlay on Escape, which restores the focus, and on a click elsewhere. */
export function dismissable(details: HTMLDetailsElement) {
  const clicked = (event: MouseEvent) => {
    if (!details.contains(event.target as Node)) details.open = false;
  };
  const pressed = (event: KeyboardEvent) => {
    if (event.key !== 'Escape' || !details.open) return;
    event.preventDefault();
    details.open = false;
    details.querySelector('summary')?.focus();
  };
  window.addEventListener('click', clicked);
  details.addEventListener('keydown', pressed);
  return () => {
    window.removeEventListener('click', clicked);
    details.removeEventListener('keydown', pressed);
  };
}
