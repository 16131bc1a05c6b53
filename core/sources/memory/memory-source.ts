import { createHash } from 'node:crypto';
import { UserError } from '../../errors.ts';
import { comparePaths } from '../file-names.ts';
import type { FileFacts, FileRef } from '../files.ts';
import { emptyStep, FileUnavailableError, type ListedFile, type OpenFile, type Source } from '../source.ts';

/** A source of files in this process's memory. Their names begin with `memory:`. */
export interface MemorySource extends Source {
  /** Adds or replaces a file. `path` begins with `memory:/`. */
  put(path: string, content: Uint8Array): void;
  remove(path: string): void;
  /** Makes everything below a path absent, like an unmounted disk, or present again. */
  setPresent(root: string, present: boolean): void;
}

const SCHEME = 'memory:';
const STEP_FILES = 256;

interface MemoryFile {
  content: Uint8Array;
  facts: FileFacts;
}

/**
 * A source without a disk, for tests and for programs that generate their files. Each `put` changes a file's
 * fingerprint. Encoder processes receive the bytes in messages.
 */
export function memorySource(): MemorySource {
  const files = new Map<string, MemoryFile>();
  const absent = new Set<string>();
  let puts = 0n;

  const isAbsent = (path: string) => [...absent].some((root) => path === root || path.startsWith(`${root}/`));
  const find = (path: string) => (isAbsent(path) ? undefined : files.get(path));
  const below = (root: string) => [...files.keys()].filter((path) => path.startsWith(`${root}/`)).sort(comparePaths);
  const canonical = (root: string) => root.replace(/\/+$/, '');
  const requirePresent = (root: string) => {
    if (isAbsent(root)) throw notFound(root);
  };

  return {
    put(path, content) {
      if (!path.startsWith(`${SCHEME}/`)) throw new RangeError(`"${path}" does not begin with ${SCHEME}/`);
      puts += 1n;
      const size = content.length;
      files.set(path, { content, facts: { size, mtimeNs: puts, fingerprint: `${size}-${puts}` } });
    },
    remove: (path) => void files.delete(path),
    setPresent(root, present) {
      if (present) absent.delete(root);
      else absent.add(root);
    },
    owns: (name) => name.startsWith(SCHEME),
    canonical,
    async check(named) {
      const root = canonical(named);
      requirePresent(root);
      if (below(root).length === 0 && !files.has(root)) throw notFound(root);
      if (files.has(root)) throw new UserError('SourceNotAFolder', `source: ${root} is a file.`);
      return root;
    },
    async *list(root, selection, after = '') {
      requirePresent(root);
      const paths = below(root).filter((path) => comparePaths(path, after) > 0);
      for (let at = 0; at < paths.length; at += STEP_FILES) {
        // A step without the files that went away with their root would read as if each was removed.
        requirePresent(root);
        const step = emptyStep();
        for (const path of paths.slice(at, at + STEP_FILES)) {
          const file = find(path);
          if (file === undefined) continue;
          const relative = path.slice(root.length + 1);
          const verdict = selection.verdictOn(relative);
          if (verdict === 'ignored') step.ignored += 1;
          else if (selection.covers(relative)) step.files.push(listed(path, file));
          else step.excluded += 1;
        }
        yield step;
      }
    },
    stat: async ({ path }) => find(path)?.facts,
    async open({ path }) {
      const file = find(path);
      if (file === undefined) throw new FileUnavailableError('file_not_found', 'The file is no longer there.');
      return openedFile(file, () => find(path)?.facts.fingerprint ?? '');
    },
    allows: async (_file: FileRef) => true,
    async identity(root) {
      requirePresent(root);
      return createHash('sha256').update(root).digest('hex').slice(0, 12);
    },
  };
}

const notFound = (root: string) =>
  new UserError('SourceNotFound', `source: nothing is held in memory below ${root}. Nothing was changed.`);

const listed = (path: string, { facts }: MemoryFile): ListedFile => ({ path, ...facts });

function openedFile({ content, facts }: MemoryFile, fingerprintNow: () => string): OpenFile {
  return {
    ...facts,
    async read(buffer, position) {
      const part = content.subarray(position, position + buffer.length);
      buffer.set(part);
      return part.length;
    },
    stream: ({ start, end } = { start: 0, end: content.length - 1 }) =>
      new Blob([content.slice(start, end + 1)]).stream() as ReadableStream<Uint8Array>,
    fingerprintNow: async () => fingerprintNow(),
    close: async () => undefined,
  };
}
