import { session } from '../state/session.svelte.ts';
import type { Problem } from './shapes.ts';

/** An answer that says no, as the server explains it (RFC 9457). */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly status: number;
  readonly code: string;
  /** What was wrong, by the path to the field. */
  readonly fields: Readonly<Record<string, string>>;
  /** With AlreadyRunning. */
  readonly job: Problem['job'];

  constructor(status: number, problem: Partial<Problem>) {
    super(problem.detail ?? problem.title ?? `The server answered with status ${status}.`);
    this.status = status;
    this.code = problem.code ?? '';
    this.fields = Object.fromEntries((problem.errors ?? []).map(({ field, message }) => [field, message]));
    this.job = problem.job;
  }
}

/** No answer: the server is gone, or the network is. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
}

export interface RequestOptions {
  method?: 'GET' | 'POST' | 'DELETE';
  query?: URLSearchParams | undefined;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
}

/**
 * Asks the server, and returns what it answers.
 * @throws ProblemError, UnreachableError, or the signal's reason
 */
export async function request<T>(path: string, options: RequestOptions = {}): Promise<T> {
  const response = await respond(path, options);
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}

/** As `request`, for who reads the body in another way. */
export async function respond(path: string, options: RequestOptions = {}): Promise<Response> {
  const { method = 'GET', query, body, headers = {}, signal } = options;
  const search = query === undefined || query.size === 0 ? '' : `?${query}`;
  const response = await reach(`${path}${search}`, {
    method,
    headers: {
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  });
  if (response.ok) return response;
  const problem = (await response.json().catch(() => ({}))) as Partial<Problem>;
  if (response.status === 401) session.refused();
  throw new ProblemError(response.status, problem);
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new UnreachableError('The server does not answer.', { cause: error });
  }
}

export const isAborted = (error: unknown) => error instanceof DOMException && error.name === 'AbortError';

/** Whether the same may go well later, with nothing changed here. */
export const mayPass = (error: unknown) =>
  error instanceof UnreachableError || (error instanceof ProblemError && [429, 502, 503, 504].includes(error.status));
