import { session } from '../state/session.svelte.ts';
import type { Problem } from './shapes.ts';

/** An error answer of the server with its explanation (RFC 9457). */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly status: number;
  readonly code: string;
  /** Error messages by field path. */
  readonly fields: Readonly<Record<string, string>>;
  /** The running job; set with AlreadyRunning. */
  readonly job: Problem['job'];

  constructor(status: number, problem: Partial<Problem>) {
    super(problem.detail ?? problem.title ?? `The server answered with status ${status}.`);
    this.status = status;
    this.code = problem.code ?? '';
    this.fields = Object.fromEntries((problem.errors ?? []).map(({ field, message }) => [field, message]));
    this.job = problem.job;
  }
}

/** The server did not answer: it or the network is down. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
}

export interface RequestOptions {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  query?: URLSearchParams | undefined;
  /** Sent as JSON; a file is sent as it is. */
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
}

/**
 * Sends a request and returns the JSON answer.
 * @throws ProblemError, UnreachableError, or the signal's reason
 */
export async function request<T>(path: string, options: RequestOptions = {}): Promise<T> {
  const response = await respond(path, options);
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}

/** Sends a request and returns the response, for callers that read the body themselves. */
export async function respond(path: string, options: RequestOptions = {}): Promise<Response> {
  const { method = 'GET', query, body, headers = {}, signal } = options;
  const search = query === undefined || query.size === 0 ? '' : `?${query}`;
  const response = await reach(`${path}${search}`, {
    method,
    headers: {
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': typeOf(body) }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: body instanceof Blob ? body : JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  });
  if (response.ok) return response;
  const problem = (await response.json().catch(() => ({}))) as Partial<Problem>;
  if (response.status === 401) session.refused();
  throw new ProblemError(response.status, problem);
}

function typeOf(body: unknown): string {
  if (!(body instanceof Blob)) return 'application/json';
  return body.type === '' ? 'application/octet-stream' : body.type;
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

/** Whether the same request may succeed later. */
export const mayPass = (error: unknown) =>
  error instanceof UnreachableError || (error instanceof ProblemError && [429, 502, 503, 504].includes(error.status));
