import { UserError } from '../errors.ts';
import { charactersOf, compileGlob, type PathCharacters } from './glob.ts';

/** The rules by which a load leaves out files. Patterns count from the source's root. */
export interface SelectionRules {
  /** Only files that one of these patterns covers are taken. All files are if there is none. */
  include?: readonly string[] | undefined;
  /** Files and folders that one of these patterns matches are left out. */
  exclude?: readonly string[] | undefined;
  /** Whether names that begin with a dot are taken. */
  hidden?: boolean | undefined;
}

/** A listing takes a file, leaves it out by a rule, or ignores it because no medium reads it. */
export type Verdict = 'taken' | 'excluded' | 'ignored';

/** Decides which entries of a source are listed. Paths are relative to the source's root: `2024/may/one.jpg`. */
export interface Selection {
  /** Whether a folder is listed. Its parents are. */
  enters(folder: string): boolean;
  /** The verdict on a file. Its folder is listed. */
  verdictOn(file: string): Verdict;
  /** Whether a listing looks at a file: it enters all its folders, and no rule leaves out the file. */
  covers(file: string): boolean;
}

/**
 * Creates a selection. It always leaves out what other programs put between a user's files: see OTHER_PROGRAMS.
 *
 * A pattern without a slash matches names at any depth, and one with a slash whole paths. One that ends in a slash
 * matches only folders. A pattern that matches a folder covers everything in it.
 *
 * @param accepts whether a medium reads files of this name
 * @throws UserError InvalidInput
 */
export function createSelection(
  accepts: (name: string) => boolean,
  { include = [], exclude = [], hidden = false }: SelectionRules = {},
): Selection {
  const isExcluded = exclusionOf(exclude);
  const isIncluded = inclusionOf(include);

  const isLeftOut = (path: string, name: string, isFolder: boolean) =>
    (!hidden && name.startsWith('.')) || FOREIGN.test(name) || isExcluded(path, isFolder);
  const enters = (folder: string) => !isLeftOut(folder, nameOf(folder), true);
  const verdictOn = (file: string): Verdict => {
    const name = nameOf(file);
    if (!accepts(name)) return 'ignored';
    return isLeftOut(file, name, false) || !isIncluded(file) ? 'excluded' : 'taken';
  };
  return {
    enters,
    verdictOn,
    covers: (file) => foldersOf(file).every(enters) && verdictOn(file) !== 'excluded',
  };
}

/** Refuses rules that no selection can be made of. @throws UserError InvalidInput */
export function checkRules(rules: SelectionRules): void {
  createSelection(() => true, rules);
}

/**
 * Names, in any case, of folders that operating systems, network disks and programs keep beside a user's files:
 * previews, rubbish, old versions and metadata. Most of those begin with a dot and are left out even if hidden files are
 * taken.
 */
const OTHER_PROGRAMS = [
  // Synology and QNAP
  '@eadir',
  '#recycle',
  '#snapshot',
  '@recycle',
  '@recently-snapshot',
  '.@__thumb',
  // macOS
  '__macosx',
  '.appledouble',
  '.documentrevisions-v100',
  '.fseventsd',
  '.spotlight-v100',
  '.temporaryitems',
  '.trash',
  '.trashes',
  // Windows
  '$recycle.bin',
  'recycler',
  'system volume information',
  // Linux and its programs
  'lost+found',
  '.dtrash',
  '.stversions',
  '.thumbnails',
  // Jupyter and Git
  '.ipynb_checkpoints',
  '.git',
];

/** `._NAME` holds what macOS knows about NAME. `.Trash-1000` is a user's rubbish on a shared disk. */
const FOREIGN = new RegExp(`^(\\._|\\.trash-|(${OTHER_PROGRAMS.map(escaped).join('|')})$)`, 'i');

function escaped(text: string): string {
  return text.replace(/[.$+]/g, '\\$&');
}

const nameOf = (path: string) => path.slice(path.lastIndexOf('/') + 1);

/** The folders that contain a path, outermost first. */
function foldersOf(path: string): string[] {
  const folders: string[] = [];
  for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) folders.push(path.slice(0, at));
  return folders;
}

/** Whether a pattern matches a file or a folder itself. */
type Matcher = (path: PathCharacters, isFolder: boolean) => boolean;

/** @throws UserError InvalidInput */
function matcherOf(pattern: string): Matcher {
  const onlyFolders = pattern.endsWith('/');
  const wholePath = pattern.replace(/\/$/, '').includes('/');
  const matches = compileGlob(pattern);
  if (matches === undefined) {
    throw new UserError('InvalidInput', `The braces of "${pattern.slice(0, 100)}" have more than 1,000 alternatives.`);
  }
  return (path, isFolder) => (isFolder || !onlyFolders) && matches(wholePath ? path : path.slice(-1));
}

/** Whether a pattern matches an entry. */
function exclusionOf(patterns: readonly string[]): (path: string, isFolder: boolean) => boolean {
  const matchers = patterns.map(matcherOf);
  if (matchers.length === 0) return () => false;
  return (path, isFolder) => {
    const characters = charactersOf(path);
    return matchers.some((matches) => matches(characters, isFolder));
  };
}

/** Whether a pattern matches a file or one of its folders. True if there is none. */
function inclusionOf(patterns: readonly string[]): (file: string) => boolean {
  const matchers = patterns.map(matcherOf);
  if (matchers.length === 0) return () => true;
  return (file) => {
    const characters = charactersOf(file);
    const covers = characters.map((_, n) => characters.slice(0, n + 1));
    return matchers.some((matches) => covers.some((cover) => matches(cover, cover.length < characters.length)));
  };
}
