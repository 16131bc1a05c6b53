import { UserError } from '../errors.ts';
import { overlap } from '../folders.ts';
import { shellWord } from '../shell-word.ts';
import { type FileRef, fileOfSample } from '../sources/files.ts';
import { goneAmong } from '../sources/files-gone.ts';
import type { Sources } from '../sources/source.ts';
import { hasUnfinishedRelocate } from '../store/job-effects.ts';
import { filesBelow, pathInUse } from '../store/samples-below.ts';
import type { Store } from '../store/store.ts';
import { movedFile } from './moved-file.ts';

/** The two folders of a relocate, by their canonical names. */
export interface Move {
  from: string;
  to: string;
}

/** A request to check a relocate before it changes anything. */
export interface CheckRequest extends Move {
  datasetId: string;
  /** Called after each batch. */
  onStep: () => void;
  signal: AbortSignal;
}

const BATCH = 5000;

/** Files looked for below the new folder: enough to tell a wrong folder from a few files that are gone. */
const LOOKED_FOR = 100;

/** @throws UserError FoldersOverlap */
export function requireApart({ from, to }: Move): void {
  if (!overlap(from, to)) return;
  throw new UserError(
    'FoldersOverlap',
    from === to
      ? `Files can't move from ${from} to itself. Nothing was changed.`
      : `Of ${from} and ${to}, one contains the other, so their paths can't be told apart. Nothing was changed.`,
  );
}

/**
 * Checks that every file below the old folder can get its path below the new one, and that some files are there.
 *
 * @throws UserError PathTaken, FilesNotMoved
 */
export async function checkRelocation(store: Store, sources: Sources, request: CheckRequest): Promise<void> {
  const { datasetId, from, to, onStep, signal } = request;
  const some = evenSample<FileRef>(LOOKED_FOR);
  for await (const files of filesBelow(store, { datasetId, folder: from }, BATCH)) {
    signal.throwIfAborted();
    const moved = files.map((file) => movedFile(fileOfSample(file), request));
    const taken = await pathInUse(
      store,
      datasetId,
      moved.map(({ path }) => path),
    );
    if (taken !== undefined) throw await pathTaken(store, request, taken);
    for (const file of moved) some.add(file);
    onStep();
  }
  const lookedFor = some.taken();
  if (lookedFor.length === 0) return;
  const gone = await goneAmong(sources, lookedFor, (file) => file, onStep);
  const [example] = gone;
  if (gone.length < lookedFor.length || example === undefined) return;
  throw new UserError(
    'FilesNotMoved',
    `Files of ${from} were looked for below ${to}, and none of ${lookedFor.length} is there: no ${example.path}. ` +
      'Nothing was changed. Were the files moved there?',
  );
}

async function pathTaken(store: Store, { datasetId, from, to }: CheckRequest, path: string): Promise<UserError> {
  const forget = (folder: string) => `plimsoll forget ${datasetId} --source ${shellWord(folder)}`;
  const advice = (await hasUnfinishedRelocate(store, datasetId, to))
    ? `An earlier relocate to ${to} did not end, so samples there are the moved ones, with their tags; keep them. ` +
      `${to} was loaded since, and has new samples for the rest. Drop the old ones, with their tags: ${forget(from)}`
    : `If ${to} was loaded before this, one of the two sets of samples has to go, with its tags. To keep the new ones: ` +
      `${forget(from)}; to keep the old ones, relocate again after: ${forget(to)}`;
  return new UserError(
    'PathTaken',
    `${datasetId} has a sample ${path} already, so the one below ${from} can't get that path. Nothing was changed. ${advice}`,
  );
}

/** Takes at most `most` items of a sequence of unknown length, evenly spread over it. */
function evenSample<T>(most: number): { add(item: T): void; taken(): readonly T[] } {
  let taken: T[] = [];
  let every = 1;
  let seen = 0;
  return {
    add(item) {
      if (seen % every === 0) taken.push(item);
      seen += 1;
      if (taken.length <= most) return;
      taken = taken.filter((_, i) => i % 2 === 0);
      every *= 2;
    },
    taken: () => taken,
  };
}
