import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { systemErrorCode } from '../../errors.ts';
import { comparatorFor, comparePaths, type FileName, fileNameOf } from '../file-names.ts';
import { factsOf, UNKNOWN_FACTS } from '../files.ts';
import { identityOf } from '../identity.ts';
import type { Selection } from '../selection.ts';
import { emptyStep, type ListedFile, type ListingStep } from '../source.ts';
import { sourceOutsideRoots } from './source-roots.ts';

/** The entries that are listed, and where links may lead. Links may lead anywhere if `allows` is absent. */
export interface WalkRules {
  selection: Selection;
  allows?: ((path: Buffer) => Promise<boolean>) | undefined;
}

interface Folder {
  path: string;
  bytes?: Buffer;
}

interface Entry extends FileName {
  /** The sort key that yields the order of whole paths: a folder's name ends in a slash. */
  key: string;
  kind: 'folder' | 'file' | 'link' | 'other' | 'outside';
}

/** Concurrent stat calls: enough to hide the latency of a network disk. */
const STAT_BATCH = 256;

/**
 * Walks a folder in UTF-8 byte order of its paths, starting after the path `after`. The `filepath` index has the same
 * order. Follows allowed links, except a link to a folder that is being walked. A subfolder that can't be read, or that
 * vanished after its parent was read, is reported and skipped. The state of its files is unknown.
 *
 * @throws the system's error when the root itself can't be read
 */
export async function* walk(root: string, rules: WalkRules, after = ''): AsyncGenerator<ListingStep> {
  const top = { path: root === '/' ? '' : root };
  yield* walkFolder(top, { ...rules, rootLength: top.path.length }, after, new Set(), root);
}

async function* walkFolder(
  folder: Folder,
  rules: WalkRules & { rootLength: number },
  after: string,
  ancestors: ReadonlySet<string>,
  root?: string,
): AsyncGenerator<ListingStep> {
  const path = folder.bytes ?? (root || folder.path);
  const { selection, rootLength } = rules;
  let entries: Entry[];
  let identity: string;
  try {
    const { dev, ino } = await stat(path, { bigint: true });
    identity = identityOf({ dev, ino });
    if (ancestors.has(identity)) return yield { ...emptyStep(), ignored: 1 };
    entries = await readFolder(path, rules);
    // The folder may have become a link after its parent was read.
    if (rules.allows !== undefined && !(await rules.allows(Buffer.from(path)))) {
      if (root !== undefined) throw sourceOutsideRoots(root);
      return yield { ...emptyStep(), outside: [folder.path] };
    }
  } catch (error) {
    if (root !== undefined) throw error;
    return yield { ...emptyStep(), unreadable: [folder.path] };
  }

  const nested = new Set(ancestors).add(identity);
  let step = emptyStep();
  let batch: Entry[] = [];
  const isDue = () => batch.length > 0 || step.ignored + step.excluded + step.outside.length > 0;
  const flush = async () => {
    step.files = (await Promise.all(batch.map((entry) => examine(folder, entry)))).filter((file) => file !== undefined);
    // Some listed files have vanished. If the disk is gone, the state of the folder's files is unknown.
    if (step.files.length < batch.length && !(await isSame(path, identity))) step.unreadable.push(folder.path);
    const full = step;
    step = emptyStep();
    batch = [];
    return full;
  };
  for (const entry of entries) {
    const entryPath = `${folder.path}/${entry.text}`;
    const relativePath = entryPath.slice(rootLength + 1);
    if (entry.kind === 'folder') {
      const prefix = `${entryPath}/`;
      if (comparePaths(prefix, after) <= 0 && !after.startsWith(prefix)) continue;
      if (!selection.enters(relativePath)) {
        step.excluded += 1;
        continue;
      }
      if (isDue()) yield await flush();
      yield* walkFolder(childOf(folder, entry), rules, after, nested);
      continue;
    }
    if (after !== '' && comparePaths(entryPath, after) <= 0) continue;
    if (entry.kind === 'outside') {
      // Nothing may be known about the target, so the rules for folders decide.
      if (selection.enters(relativePath)) step.outside.push(entryPath);
      else step.excluded += 1;
      continue;
    }
    const verdict = entry.kind === 'other' ? 'ignored' : selection.verdictOn(relativePath);
    if (verdict !== 'taken') {
      step[verdict] += 1;
      continue;
    }
    batch.push(entry);
    if (batch.length >= STAT_BATCH) yield await flush();
  }
  if (isDue()) yield await flush();
}

async function isSame(path: string | Buffer, identity: string): Promise<boolean> {
  const now = await stat(path, { bigint: true }).catch(() => undefined);
  return now !== undefined && identityOf(now) === identity;
}

/** The sorted entries of a folder. Names are read as text. They are read as bytes only if one is not valid UTF-8. */
async function readFolder(path: string | Buffer, rules: WalkRules): Promise<Entry[]> {
  const found = await readdir(path, { withFileTypes: true });
  const named: [FileName, Dirent | Dirent<Buffer>][] = found.some((entry) => entry.name.includes('\ufffd'))
    ? (await readdir(path, { withFileTypes: true, encoding: 'buffer' })).map((entry) => [fileNameOf(entry.name), entry])
    : found.map((entry) => [{ text: entry.name }, entry]);

  const entries: Entry[] = [];
  for (let at = 0; at < named.length; at += STAT_BATCH) {
    entries.push(
      ...(await Promise.all(
        named.slice(at, at + STAT_BATCH).map(([name, entry]) => entryOf(path, name, entry, rules)),
      )),
    );
  }
  const compare = comparatorFor(entries.map((entry) => entry.key));
  entries.sort(compare ? (a, b) => compare(a.key, b.key) : (a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  // An escaped name can equal another file's real name. One path is one sample, so the file with the real name wins.
  return entries.filter(
    (entry, i) => !entry.bytes || (entries[i - 1]?.text !== entry.text && entries[i + 1]?.text !== entry.text),
  );
}

async function entryOf(
  folder: string | Buffer,
  name: FileName,
  entry: Dirent | Dirent<Buffer>,
  rules: WalkRules,
): Promise<Entry> {
  const kind = kindOf(entry);
  if (kind === undefined) return resolveKind(folder, name, rules);
  return { ...name, kind, key: kind === 'folder' ? `${name.text}/` : name.text };
}

function kindOf(entry: Dirent | Dirent<Buffer>): Entry['kind'] | undefined {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'folder';
  if (entry.isFIFO() || entry.isSocket() || entry.isBlockDevice() || entry.isCharacterDevice()) return 'other';
  return undefined;
}

/** Resolves a link, or an entry of unknown kind, by its target. */
async function resolveKind(folder: string | Buffer, name: FileName, { allows }: WalkRules): Promise<Entry> {
  const path = Buffer.concat([Buffer.from(folder), Buffer.from('/'), name.bytes ?? Buffer.from(name.text)]);
  // Checked before the target is accessed, so the result reveals nothing about it.
  if (allows !== undefined && !(await allows(path))) return { ...name, kind: 'outside', key: name.text };
  const target = await stat(path).catch(() => undefined);
  if (target?.isDirectory()) return { ...name, kind: 'folder', key: `${name.text}/` };
  const kind = target === undefined ? 'link' : target.isFile() ? 'file' : 'other';
  return { ...name, kind, key: name.text };
}

function childOf(folder: Folder, entry: Entry): Folder {
  const path = `${folder.path}/${entry.text}`;
  const bytes = bytesOf(folder, entry);
  return bytes === undefined ? { path } : { path, bytes };
}

function bytesOf(folder: Folder, entry: Entry): Buffer | undefined {
  if (folder.bytes === undefined && entry.bytes === undefined) return undefined;
  return Buffer.concat([
    folder.bytes ?? Buffer.from(folder.path),
    Buffer.from('/'),
    entry.bytes ?? Buffer.from(entry.text),
  ]);
}

/** Undefined for a file that vanished after its folder was read, and for an entry that is not a file. */
async function examine(folder: Folder, entry: Entry): Promise<ListedFile | undefined> {
  const path = `${folder.path}/${entry.text}`;
  const bytes = bytesOf(folder, entry);
  const name = bytes === undefined ? { path } : { path, bytes };
  try {
    return { ...name, ...factsOf(await stat(bytes ?? path, { bigint: true })) };
  } catch (error) {
    if (entry.kind === 'file' && systemErrorCode(error) === 'ENOENT') return undefined;
    return { ...name, ...UNKNOWN_FACTS };
  }
}
