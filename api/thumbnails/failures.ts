/** Why an image has no thumbnail: an ImageFailureCode and words. */
export class ThumbnailError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'ThumbnailError';
    this.code = code;
  }
}

/** What could not be drawn, so that it is not tried again for each that asks. */
export interface Failures {
  of(version: string): ThumbnailError | undefined;
  note(version: string, error: ThumbnailError): void;
}

/** Permissions may be given, a disk may come back. */
const PASSING_MS = 60_000;
const PASSING = new Set(['file_not_found', 'permission_denied', 'not_a_file']);
const MOST = 10_000;

/** By a file's version: what its content is to blame for is known until it changes, or this process ends. */
export function rememberFailures(): Failures {
  // In the order in which they were noted.
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
