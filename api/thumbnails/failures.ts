/** Says why a sample has no thumbnail, with the code of an item error. */
export class ThumbnailError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'ThumbnailError';
    this.code = code;
  }
}

/** Remembers thumbnails that could not be drawn, so that they are not drawn again for each request. */
export interface Failures {
  of(version: string): ThumbnailError | undefined;
  note(version: string, error: ThumbnailError): void;
}

/** Temporary failures expire, because permissions or a disk may come back. */
const PASSING_MS = 60_000;
const PASSING = new Set(['file_not_found', 'permission_denied', 'not_a_file']);
const MOST = 10_000;

/** Creates the memory of failures, by a file's version. Errors in the content stay until the file changes. */
export function rememberFailures(): Failures {
  // In insertion order, so the oldest is evicted first.
  const failures = new Map<string, { error: ThumbnailError; untilMs: number }>();
  return {
    of(version) {
      const known = failures.get(version);
      return known !== undefined && known.untilMs > performance.now() ? known.error : undefined;
    },
    note(version, error) {
      const [oldest] = failures.keys();
      if (failures.size >= MOST && oldest !== undefined) failures.delete(oldest);
      const lasts = PASSING.has(error.code) ? PASSING_MS : Number.POSITIVE_INFINITY;
      failures.set(version, { error, untilMs: performance.now() + lasts });
    },
  };
}
