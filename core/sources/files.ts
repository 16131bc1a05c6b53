/** Files of any source, and the facts that tell one version of a file from another. */
import type { Binary } from 'mongodb';

/** A file by its name. POSIX names are bytes: `bytes` has them where they are not valid UTF-8. */
export interface FileRef {
  /** The full name as text; bytes that are not UTF-8 stand as `\xNN`. */
  path: string;
  bytes?: Buffer;
}

export const fileRefOf = (path: string, bytes: Pick<Binary, 'buffer'> | undefined): FileRef =>
  bytes === undefined ? { path } : { path, bytes: Buffer.from(bytes.buffer) };

/** The file that a stored sample is an item of. */
export const fileOfSample = ({
  filepath,
  filepath_bytes,
}: {
  filepath: string;
  filepath_bytes?: Pick<Binary, 'buffer'>;
}): FileRef => fileRefOf(filepath, filepath_bytes);

/** The name as system calls take it. */
export const rawPath = ({ path, bytes }: FileRef): string | Buffer => bytes ?? path;

/** How a file was when it was looked at. `fingerprint` differs where its content may. */
export interface FileFacts {
  size: number;
  mtimeNs: bigint;
  fingerprint: string;
}

/** The fingerprint of a file that could not be examined: it never equals that of a file that could. */
export const UNKNOWN_FINGERPRINT = 'unknown';

export const fingerprintOf = ({ size, mtimeNs }: { size: bigint; mtimeNs: bigint }) => `${size}-${mtimeNs}`;

export const factsOf = (stat: { size: bigint; mtimeNs: bigint }): FileFacts => ({
  size: Number(stat.size),
  mtimeNs: stat.mtimeNs,
  fingerprint: fingerprintOf(stat),
});

/** The facts of a file that is there and can't be examined. Reading it will say what is wrong. */
export const UNKNOWN_FACTS: FileFacts = { size: 0, mtimeNs: 0n, fingerprint: UNKNOWN_FINGERPRINT };
