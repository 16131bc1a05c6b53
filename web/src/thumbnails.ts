import { respond } from './api/request.ts';
import type { Sample } from './api/shapes.ts';
import { samplePath } from './state/route.ts';

/** The address of a sample's picture, of a size that the server keeps. It changes with the file, so that a browser may keep it. */
export const thumbnailUrl = (
  dataset: string,
  { seq, version }: Pick<Sample, 'seq' | 'version'>,
  size: number,
): string => `/api${samplePath(dataset, seq)}/thumbnail?size=${size}&v=${encodeURIComponent(version)}`;

/** Asks why a picture would not come, which an `<img>` is not told. Undefined where it would come now. */
export const whyNoPicture = (src: string, signal?: AbortSignal): Promise<Error | undefined> =>
  respond(src, { signal }).then(
    async ({ body }) => {
      await body?.cancel();
      return undefined;
    },
    (error: Error) => error,
  );

/** The picture of a sample that is looked at by itself. */
export const LARGE = 1024;
