import { elapsed, type Report } from '../report.ts';

const SIGN_OF_LIFE_MS = 5_000;

/** Tells of a long step: when it begins, and every few seconds how far it is. */
export interface Progress {
  /** What is going on now; shown with the next sign of life. */
  say(phrase: string): void;
  end(): void;
}

export function createProgress(step: string, report: Report): Progress {
  const startedMs = performance.now();
  let latest = '';
  report(step);
  const timer = setInterval(() => {
    report(`${step}: ${elapsed(startedMs)}${latest ? `, ${latest}` : ''}`);
  }, SIGN_OF_LIFE_MS);
  return {
    say(phrase) {
      latest = phrase;
    },
    end() {
      clearInterval(timer);
    },
  };
}
