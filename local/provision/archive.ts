import { join } from 'node:path';
import { runClient } from './client.ts';
import { download } from './download.ts';
import type { Origin } from './origin.ts';

const UNPACK_WITHIN_MS = 300_000;

/** A program in a vendor's `.tar.gz`. */
export interface ArchivedProgram {
  label: string;
  version: string;
  url: string;
  sha256: string;
  /** The program's path inside the archive. */
  member: string;
}

export function archiveOrigin({ label, version, url, sha256, member }: ArchivedProgram): Origin {
  return {
    label: `${label} (${url})`,
    version,
    async obtain(folder, context) {
      const archive = join(folder, 'archive.tar.gz');
      await download(url, archive, sha256, context);
      context.progress('unpacking');
      await runClient('tar', ['-xzf', archive, '-C', folder, member], {
        env: context.env,
        signal: context.signal,
        timeoutMs: UNPACK_WITHIN_MS,
      });
      return join(folder, member);
    },
  };
}
