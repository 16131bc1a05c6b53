import { elapsed, type Report } from '../report.ts';

const SIGN_OF_LIFE_MS = 5_000;

/** Reports a long step when it begins, and its progress every few seconds. */
export interface Progress {
  /** Sets the current progress, which the next report shows. */
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
