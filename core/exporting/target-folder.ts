import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncFolder, writeError } from '../artifact/write-durably.ts';
import { createPermits } from '../concurrency/permits.ts';
import { systemErrorCode } from '../errors.ts';
import { type DraftFile, openDraft } from './draft-file.ts';
import type { ExportCounts, ExportRequest } from './export-request.ts';
import { JOURNAL, type Journal, openJournal } from './journal.ts';
import { markTarget, notWritable, readMarker, SCRATCH } from './marker.ts';
import { createNameSet } from './name-set.ts';

/** Small files that are written at a time. The disk makes them durable together. */
const WRITES = 32;

/** A folder that an export is written to. Paths are below it, with `/`. */
export interface TargetFolder {
  readonly path: string;
  /** Opens a large file. What is open at the end of a failed attempt is discarded. */
  draft(path: string): Promise<DraftFile>;
  /** Opens a file that never gets a place. */
  scratch(): Promise<DraftFile>;
  /** Where a file can be written before it moves to its place. */
  beside(): string;
  /** Moves a file that was written beside its place. Its name is durable once all is settled. */
  move(beside: string, path: string): Promise<void>;
  /** Writes a small file whole. May return before it is written: `settle` waits for all, and throws what went wrong. */
  write(path: string, content: string): Promise<void>;
  /** Keeps a file at the end that this attempt, or one before, has written. */
  keep(path: string): void;
  settle(): Promise<void>;
  discard(): Promise<void>;
  /** Removes what only attempts before this one have written, and marks the export as finished. */
  finish(counts: ExportCounts): Promise<void>;
}

/**
 * Makes the folder of an export, or takes up what an attempt before has left of it.
 *
 * @throws UserError ExportNotWritable
 */
export async function openTarget(request: ExportRequest): Promise<TargetFolder> {
  const { target } = request;
  const scratch = join(target, SCRATCH);
  const isResumed = (await readMarker(request)) !== undefined;
  let journal: Journal;
  try {
    await mkdir(target, { recursive: true });
    await rm(scratch, { recursive: true, force: true });
    await mkdir(scratch);
    if (!isResumed) await markTarget(request);
    journal = await openJournal(target);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'ENOTDIR' || code === 'EEXIST')
      throw notWritable(request, `it can't be made or written to (${code}).`, error);
    throw writeError(target, error);
  }

  const written = createNameSet();
  const drafts = new Set<DraftFile>();
  /** Folders whose names are not durable yet. */
  const changed = new Set<string>();
  const permits = createPermits(WRITES);
  let writes: Promise<void>[] = [];
  let failure: unknown;
  let number = 0;

  const beside = () => join(scratch, String(number++));

  const keep = (path: string): void => written.add(path);

  async function writeSmall(path: string, content: string): Promise<void> {
    const draft = beside();
    try {
      await writeFile(draft, content, { flag: 'wx', flush: true });
      await move(draft, path);
    } catch (error) {
      throw writeError(join(target, path), error);
    }
  }

  async function move(draft: string, path: string): Promise<void> {
    const folder = dirname(join(target, path));
    if (!changed.has(folder)) await mkdir(folder, { recursive: true });
    changed.add(folder);
    await journal.add(path);
    await rename(draft, join(target, path));
  }

  async function draft(path: string | undefined): Promise<DraftFile> {
    if (path !== undefined) {
      keep(path);
      await journal.add(path);
    }
    const place = path === undefined ? beside() : join(target, path);
    const file = await openDraft(place, path === undefined ? place : beside());
    drafts.add(file);
    return file;
  }

  async function settle(): Promise<void> {
    const waiting = writes;
    writes = [];
    await Promise.all(waiting);
    if (failure !== undefined) throw failure;
    const folders = [...changed];
    changed.clear();
    for (let at = 0; at < folders.length; at += WRITES)
      await Promise.all(folders.slice(at, at + WRITES).map(syncFolder));
  }

  return {
    path: target,
    beside,
    move,
    keep,
    settle,
    draft,
    scratch: () => draft(undefined),
    async write(path, content) {
      keep(path);
      if (writes.length >= 256) await settle();
      const giveBack = await permits.take(1);
      if (failure !== undefined) {
        giveBack();
        throw failure;
      }
      const write = writeSmall(path, content).catch((error) => {
        failure ??= error;
      });
      writes.push(write.finally(giveBack));
    },
    async discard() {
      await Promise.all(writes);
      await Promise.all([...drafts].map((file) => file.discard()));
      await journal.close();
      await rm(scratch, { recursive: true, force: true });
    },
    async finish(counts) {
      await settle();
      if (isResumed) await journal.sweep(written.has);
      await journal.close();
      await rm(join(target, JOURNAL));
      await rm(scratch, { recursive: true, force: true });
      await markTarget(request, counts);
    },
  };
}
