/** For a `details` that opens over what is below it: Escape closes it and gives the focus back, a click elsewhere closes it. */
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
