/** Files of any source, and the facts that distinguish versions of a file. */
import type { Binary } from 'mongodb';

/** A file by its name. POSIX names are bytes: `bytes` holds them if they are not valid UTF-8. */
export interface FileRef {
  /** The full name as text. Bytes that are not UTF-8 appear as `\xNN`. */
  path: string;
  bytes?: Buffer;
}

/** The file with this path and these stored raw bytes. */
export const fileRefOf = (path: string, bytes: Pick<Binary, 'buffer'> | undefined): FileRef =>
  bytes === undefined ? { path } : { path, bytes: Buffer.from(bytes.buffer) };

/** The file that contains a stored sample. */
export const fileOfSample = ({
  filepath,
  filepath_bytes,
}: {
  filepath: string;
  filepath_bytes?: Pick<Binary, 'buffer'>;
}): FileRef => fileRefOf(filepath, filepath_bytes);

/** The name in the form that system calls take. */
export const rawPath = ({ path, bytes }: FileRef): string | Buffer => bytes ?? path;

/** The state of a file when it was examined. A changed `fingerprint` means that the content may differ. */
export interface FileFacts {
  size: number;
  mtimeNs: bigint;
  fingerprint: string;
}

/** The fingerprint of a file that could not be examined. It never equals that of an examined file. */
export const UNKNOWN_FINGERPRINT = 'unknown';

/** The times of a file in nanoseconds, and its size in bytes. */
export interface FileTimes {
  size: bigint;
  mtimeNs: bigint;
  ctimeNs: bigint;
}

/**
 * The fingerprint of a file. Programs can edit a file and restore its modification time, but they can't set its change
 * time.
 */
export const fingerprintOf = ({ size, mtimeNs, ctimeNs }: FileTimes) => `${size}-${mtimeNs}-${ctimeNs}`;

/** The facts of a file by its stat result. */
export const factsOf = (stat: FileTimes): FileFacts => ({
  size: Number(stat.size),
  mtimeNs: stat.mtimeNs,
  fingerprint: fingerprintOf(stat),
});

/** The facts of an existing file that can't be examined. Reading it reports the cause. */
export const UNKNOWN_FACTS: FileFacts = { size: 0, mtimeNs: 0n, fingerprint: UNKNOWN_FINGERPRINT };
