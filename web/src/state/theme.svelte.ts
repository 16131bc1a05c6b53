export type Theme = 'system' | 'light' | 'dark';

const KEY = 'plimsoll.theme';
const ORDER: readonly Theme[] = ['system', 'light', 'dark'];

class ThemeChoice {
  chosen = $state<Theme>(readStored());

  constructor() {
    apply(this.chosen);
  }

  next() {
    const at = ORDER.indexOf(this.chosen);
    this.chosen = ORDER[(at + 1) % ORDER.length] ?? 'system';
    localStorage.setItem(KEY, this.chosen);
    apply(this.chosen);
  }
}

function readStored(): Theme {
  const stored = localStorage.getItem(KEY);
  return ORDER.find((theme) => theme === stored) ?? 'system';
}

function apply(theme: Theme) {
  if (theme === 'system') document.documentElement.removeAttribute('data-theme');
  else document.documentElement.dataset.theme = theme;
}

export const theme = new ThemeChoice();
