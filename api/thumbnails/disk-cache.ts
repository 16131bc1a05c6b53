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

/** How often, while as much as the bound is kept, it is looked what other processes keep there. */
const LOOKS = 10;

/** What a thumbnail is called: the version of its file, and its longer side in pixels. */
const KEY = /^[\w-]{16}-(?:128|256|512|1024)$/;
const DRAFT = /^\.[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;

/**
 * Keeps them in a folder of its own below `parent`, which may be one that holds other things: it touches, and counts, only what is
 * called as it calls its files. A key is `<version>-<size>`.
 */
export function openDiskCache({ parent, mostBytes }: { parent: string; mostBytes: number }): DiskCache {
  const folder = join(parent, 'v1');
  // In the order of use, the latest last.
  const sizes = new Map<string, number>();
  let bytes = 0;
  let keptSinceLook = 0;
  let touched = new Set<string>();
  // What lies there from before, while the first requests are answered already.
  let looked = look();
  // The bound may be a lower one than it was.
  void makeRoom().catch(() => undefined);
  const fileOf = (key: string) => join(folder, key.slice(0, 2), key);

  /** Several processes may keep thumbnails here: what is there is theirs and ours, and they take away what is ours. */
  async function look(): Promise<void> {
    const before = new Set(sizes.keys());
    touched = new Set();
    const found = await list(folder);
    const there = new Set(found.map(({ key }) => key));
    for (const key of before) if (!there.has(key) && !touched.has(key)) forget(key);
    // What was used meanwhile is the latest.
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
        // The order of use, for the next process.
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

/** The files that are there, the least recently used first. */
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

/** A draft of a process that is no more; a young one may be another's that is at work. */
async function removeLeftover(draft: string): Promise<void> {
  const modifiedMs = await stat(draft).then(({ mtimeMs }) => mtimeMs, Date.now);
  if (Date.now() - modifiedMs > DRAFT_MS) await rm(draft, { force: true }).catch(() => undefined);
}
