import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';

/** The state of a file when it was hashed. An equal size and modification time imply an equal hash. */
export interface HashedFile {
  path: string;
  sizeBytes: number;
  mtimeNs: bigint;
  sha256: string;
}

/**
 * The revision of a model: the first 12 hexadecimal digits of the SHA-256 over the files' hashes, in the given order.
 * Files that match an entry of `known` are not read again.
 */
export async function revisionOf(
  paths: readonly string[],
  known: readonly HashedFile[] = [],
): Promise<{ revision: string; files: HashedFile[] }> {
  const files: HashedFile[] = [];
  for (const path of paths) files.push(await hashed(path, known));
  const hash = createHash('sha256');
  for (const { sha256 } of files) hash.update(sha256);
  return { revision: hash.digest('hex').slice(0, 12), files };
}

/** Whether all files still have the size and modification time that they had when they were hashed. */
export async function areUnchanged(files: readonly HashedFile[]): Promise<boolean> {
  const now = await Promise.all(files.map(({ path }) => stat(path, { bigint: true }).catch(() => undefined)));
  return files.every((file, i) => now[i]?.mtimeNs === file.mtimeNs && Number(now[i]?.size) === file.sizeBytes);
}

/** Whether none of the paths exists. */
export async function areAbsent(paths: readonly string[]): Promise<boolean> {
  const found = await Promise.all(paths.map((path) => stat(path).catch(() => undefined)));
  return found.every((entry) => entry === undefined);
}

async function hashed(path: string, known: readonly HashedFile[]): Promise<HashedFile> {
  const { size, mtimeNs } = await stat(path, { bigint: true });
  const sizeBytes = Number(size);
  const same = known.find((file) => file.path === path && file.sizeBytes === sizeBytes && file.mtimeNs === mtimeNs);
  if (same !== undefined) return same;
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return { path, sizeBytes, mtimeNs, sha256: hash.digest('hex') };
}
