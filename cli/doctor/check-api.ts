import { type Check, ok, problem, warning } from './check.ts';

const TIMEOUT_MS = 3000;

/** Whether the page and the HTTP API answer, and reach their servers. */
export async function checkApi(url: string): Promise<Check> {
  const name = 'Page and HTTP API';
  try {
    const answer = await fetch(`${url}/ready`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (answer.ok) return ok(name, `answers at ${url}`);
    const found = (await answer.json()) as Record<string, { ready?: boolean; detail?: string } | boolean>;
    const missing = Object.values(found).flatMap((part) =>
      typeof part === 'object' && part.ready === false ? [part.detail ?? ''] : [],
    );
    return warning(
      name,
      `answers at ${url}, but is not ready: ${missing.join(' ')}`,
      'It goes on by itself once they answer.',
    );
  } catch (error) {
    return problem(name, `no answer at ${url}: ${(error as Error).message}`, 'See logs/api.log in the data folder.');
  }
}
