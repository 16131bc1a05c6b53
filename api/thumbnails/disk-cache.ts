import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemErrorCode } from '../../core/errors.ts';

/**
 * A cache of files by key that evicts the least recently used. It never fails: a file that can't be kept is dropped.
 */
export interface DiskCache {
  read(key: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Writes a file unless the cache has it. */
  keep(key: string, content: Uint8Array): Promise<void>;
  /** Size of the cached files in bytes. */
  readonly bytes: number;
}

/** How often the folder is listed for files of other processes while `mostBytes` are written. */
const LOOKS = 10;

/** A thumbnail's name: the version of its file and its longer side in pixels. */
const KEY = /^[\w-]{16}-(?:128|256|512|1024)$/;
const DRAFT = /^\.[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;

/**
 * Opens a cache in a subfolder of `parent`. It touches and counts only files that match its own naming, because the
 * folder may hold other files. A key is `<version>-<size>`.
 */
export function openDiskCache({ parent, mostBytes }: { parent: string; mostBytes: number }): DiskCache {
  const folder = join(parent, 'v1');
  // In the order of use, the most recent last.
  const sizes = new Map<string, number>();
  let bytes = 0;
  let keptSinceLook = 0;
  let touched = new Set<string>();
  // Lists the existing files in the background; requests are answered meanwhile.
  let looked = look();
  // The limit may be lower than in the last run.
  void makeRoom().catch(() => undefined);
  const fileOf = (key: string) => join(folder, key.slice(0, 2), key);

  /** Lists the folder again, because other processes that share it add and remove files. */
  async function look(): Promise<void> {
    const before = new Set(sizes.keys());
    touched = new Set();
    const found = await list(folder);
    const there = new Set(found.map(({ key }) => key));
    for (const key of before) if (!there.has(key) && !touched.has(key)) forget(key);
    // Files used during the listing are the most recent.
    for (const { key, size } of found) if (!touched.has(key)) note(key, size);
    for (const key of touched) note(key, sizes.get(key) ?? 0);
  }

  function note(key: string, size: number): void {
    bytes += size - (sizes.get(key) ?? 0);
    sizes.delete(key);
    sizes.set(key, size);
  }

  function use(key: string, size: number): void {
    touched.add(key);
    note(key, size);
  }

  function forget(key: string): void {
    touched.delete(key);
    bytes -= sizes.get(key) ?? 0;
    sizes.delete(key);
  }

  async function makeRoom(): Promise<void> {
    await looked;
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
        use(key, content.length);
        // The file times keep the order of use for the next process.
        void utimes(fileOf(key), new Date(), new Date()).catch(() => undefined);
        return content;
      } catch (error) {
        if (systemErrorCode(error) === 'ENOENT') forget(key);
        return undefined;
      }
    },
    async keep(key, content) {
      if (sizes.has(key) || !KEY.test(key)) return;
      const draft = join(folder, `.${randomUUID()}`);
      try {
        await mkdir(dirname(fileOf(key)), { recursive: true });
        await writeFile(draft, content, { mode: 0o600 });
        await rename(draft, fileOf(key));
        use(key, content.length);
        keptSinceLook += content.length;
        const lookAgain = keptSinceLook > mostBytes / LOOKS;
        if (lookAgain) {
          keptSinceLook = 0;
          looked = looked.then(look);
        }
        if (lookAgain || bytes > mostBytes) await makeRoom();
      } catch {
        await rm(draft, { force: true }).catch(() => undefined);
      }
    },
  };
}

/** Lists the cached files, the least recently used first. */
async function list(folder: string): Promise<{ key: string; size: number }[]> {
  const found = [];
  for (const entry of await entriesOf(folder)) {
    if (entry.isFile() && DRAFT.test(entry.name)) await removeLeftover(join(folder, entry.name));
    if (!entry.isDirectory() || entry.name.length !== 2) continue;
    for (const { name } of (await entriesOf(join(folder, entry.name))).filter((file) => file.isFile())) {
      if (!KEY.test(name) || !name.startsWith(entry.name)) continue;
      const known = await stat(join(folder, entry.name, name)).catch(() => undefined);
      if (known !== undefined) found.push({ key: name, size: known.size, usedMs: known.mtimeMs });
    }
  }
  return found.sort((a, b) => a.usedMs - b.usedMs);
}

const entriesOf = (folder: string) => readdir(folder, { withFileTypes: true }).catch(() => []);

const DRAFT_MS = 3_600_000;

/** Removes the draft of a dead process. A young draft may belong to a running one. */
async function removeLeftover(draft: string): Promise<void> {
  const modifiedMs = await stat(draft).then(({ mtimeMs }) => mtimeMs, Date.now);
  if (Date.now() - modifiedMs > DRAFT_MS) await rm(draft, { force: true }).catch(() => undefined);
}
