import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemErrorCode } from '../../core/errors.ts';

/** Files by key, of which the least recently used go when there is no more room. Never fails: what it can't keep is not kept. */
export interface DiskCache {
  read(key: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Writes it unless it is there. */
  keep(key: string, content: Uint8Array): Promise<void>;
  /** Bytes kept. */
  readonly bytes: number;
}

/** A key is a file's name: letters, digits, `_` and `-`. */
export function openDiskCache({ folder, mostBytes }: { folder: string; mostBytes: number }): DiskCache {
  // In the order of use, the latest last.
  const sizes = new Map<string, number>();
  let bytes = 0;
  // What lies there from before: read once, while the first requests are answered already.
  const listed = list(folder).then((found) => {
    for (const { key, size } of found) if (!sizes.has(key)) note(key, size);
  });
  const fileOf = (key: string) => join(folder, key.slice(0, 2), key);

  function note(key: string, size: number): void {
    bytes += size - (sizes.get(key) ?? 0);
    sizes.delete(key);
    sizes.set(key, size);
  }

  function forget(key: string): void {
    bytes -= sizes.get(key) ?? 0;
    sizes.delete(key);
  }

  async function makeRoom(): Promise<void> {
    await listed;
    for (const key of sizes.keys()) {
      if (bytes <= mostBytes) return;
      forget(key);
      await rm(fileOf(key), { force: true });
    }
  }

  return {
    get bytes() {
      return bytes;
    },
    async read(key) {
      try {
        const content = new Uint8Array(await readFile(fileOf(key)));
        note(key, content.length);
        // The order of use, for the next process.
        void utimes(fileOf(key), new Date(), new Date()).catch(() => undefined);
        return content;
      } catch (error) {
        if (systemErrorCode(error) === 'ENOENT') forget(key);
        return undefined;
      }
    },
    async keep(key, content) {
      if (sizes.has(key)) return;
      const draft = join(folder, `.${randomUUID()}`);
      try {
        await mkdir(dirname(fileOf(key)), { recursive: true });
        await writeFile(draft, content, { mode: 0o600 });
        await rename(draft, fileOf(key));
        note(key, content.length);
        if (bytes > mostBytes) await makeRoom();
      } catch {
        await rm(draft, { force: true }).catch(() => undefined);
      }
    },
  };
}

/** The files that are there, the least recently used first. */
async function list(folder: string): Promise<{ key: string; size: number }[]> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const found = [];
  for (const entry of names) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    const known = await stat(file).catch(() => undefined);
    if (known === undefined) continue;
    if (entry.name.startsWith('.')) await removeLeftover(file, known.mtimeMs);
    else found.push({ key: entry.name, size: known.size, usedMs: known.mtimeMs });
  }
  return found.sort((a, b) => a.usedMs - b.usedMs);
}

const DRAFT_MS = 3_600_000;

/** A draft of a process that is no more; a young one may be another's that is at work. */
async function removeLeftover(file: string, modifiedMs: number): Promise<void> {
  if (Date.now() - modifiedMs > DRAFT_MS) await rm(file, { force: true }).catch(() => undefined);
}
