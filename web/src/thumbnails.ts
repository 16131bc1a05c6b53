import { mayPass, ProblemError, respond } from './api/request.ts';
import type { Sample } from './api/shapes.ts';
import { samplePath } from './state/route.ts';

/** The URL of a sample's thumbnail. It changes with the file, so that a browser may cache it. */
export const thumbnailUrl = (
  dataset: string,
  { seq, version }: Pick<Sample, 'seq' | 'version'>,
  size: number,
): string => `/api${samplePath(dataset, seq)}/thumbnail?size=${size}&v=${encodeURIComponent(version)}`;

/** The URL of a sample's file, as its source has it. It changes with the file. */
export const fileUrl = (dataset: string, { seq, version }: Pick<Sample, 'seq' | 'version'>): string =>
  `/api${samplePath(dataset, seq)}/file?v=${encodeURIComponent(version)}`;

/** Asks the server why a picture failed, which an `<img>` does not tell. Undefined if it would succeed now. */
export const whyNoPicture = (src: string, signal?: AbortSignal): Promise<Error | undefined> =>
  respond(src, { signal }).then(
    async ({ body }) => {
      await body?.cancel();
      return undefined;
    },
    (error: Error) => error,
  );

/**
 * Whether a picture is refused for as long as the connection lasts. A folder may have been a link for a moment, so what
 * lies outside the source roots may be inside later.
 */
export const staysRefused = (error: unknown): boolean =>
  error instanceof ProblemError && error.status < 500 && error.code !== 'FileOutsideRoots' && !mayPass(error);

/** The URL of the picture in the view of a single sample. */
export const LARGE = 1024;
