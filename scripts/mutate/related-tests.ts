/** Finds the tests that concern a source file. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path/posix';

/** The server tests below `test/` for each part of the code. The entry with the longest matching prefix applies. */
const FOLDERS: readonly (readonly [prefix: string, folders: readonly string[]])[] = [
  ['activities', ['loading', 'operating', 'datasets', 'jobs', 'limits', 'webhooks']],
  ['api', ['api']],
  ['api/auth', ['api/auth.test.ts', 'api/read-scope.test.ts', 'api/fail-closed.test.ts']],
  ['cli', ['cli']],
  ['client', ['starting', 'operating', 'jobs', 'datasets']],
  ['contract', ['contract', 'starting', 'workflows']],
  ['core/concurrency', ['limits', 'loading', 'inference']],
  ['core/deleting', ['datasets']],
  ['core/embedding', ['embedding', 'loading', 'operating', 'datasets', 'limits']],
  ['core/indexing', ['indexing', 'loading', 'datasets', 'sources']],
  ['core/jobs', ['jobs', 'operating', 'starting', 'loading', 'datasets']],
  ['core/limits', ['limits']],
  ['core/media', ['media', 'inference', 'loading', 'api']],
  ['core/models', ['models', 'inference', 'loading']],
  ['core/relocating', ['datasets', 'loading']],
  ['core/sources', ['sources', 'loading', 'datasets']],
  ['core/store', ['store', 'loading', 'datasets', 'jobs', 'api']],
  ['core/webhooks', ['webhooks', 'starting']],
  ['inference', ['inference', 'models', 'faults']],
  ['local', ['local']],
  ['temporal', ['starting', 'operating', 'jobs']],
  ['workers', ['plugin', 'deploying', 'workflows']],
  ['workflows', ['workflows', 'loading', 'operating', 'datasets', 'starting', 'limits']],
];

/** Maximum number of imports between a test and the module that it tests. */
const NEAR = 3;

export interface RelatedTests {
  /** Tests that need no servers and import the file most directly, the closest first. */
  alone: string[];
  /** The other tests for the file's part of the code. Most need the servers. */
  ofFolders: string[];
}

export interface TestMap {
  testsOf(file: string): RelatedTests;
  needsServers(test: string): boolean;
  /** All files that a test imports, including itself. */
  importsOf(test: string): Iterable<string>;
  /** Whether a module is a file or imports it, directly or through others. */
  reaches(module: string, file: string): boolean;
  /** The test files with this path or in this folder. The prefix `test/` is optional. */
  under(path: string): string[];
}

/** Reads the imports of a checkout. `files` are its paths, relative to `root`. */
export function mapTests(root: string, files: readonly string[]): TestMap {
  const modules = new Set(files.filter((file) => file.endsWith('.ts')));
  const tests = files.filter((file) => /^test\/.*\.test\.ts$/.test(file)).sort();
  const texts = new Map<string, string>();
  const textOf = (file: string) => {
    const text = texts.get(file) ?? readFileSync(join(root, file), 'utf8');
    texts.set(file, text);
    return text;
  };
  const imports = new Map<string, string[]>();
  const importsOf = (file: string) => {
    const found = imports.get(file) ?? importsIn(file, textOf(file), modules);
    imports.set(file, found);
    return found;
  };
  const reached = new Map<string, Map<string, number>>();
  const distances = (file: string) => {
    const found = reached.get(file) ?? distancesFrom(file, importsOf);
    reached.set(file, found);
    return found;
  };
  const onServers = new Set(
    tests.filter((test) => [...distances(test).keys()].some((file) => usesServers(file, textOf))),
  );

  const under = (path: string) => {
    const wanted = path.replace(/\/$/, '').replace(/^(test\/)?/, 'test/');
    return tests.filter((test) => test === wanted || test.startsWith(`${wanted}/`));
  };
  return {
    under,
    needsServers: (test) => onServers.has(test),
    importsOf: (test) => distances(test).keys(),
    reaches: (module, file) => distances(module).has(file),
    testsOf(file) {
      const near = tests
        .filter((test) => distances(test).has(file))
        .sort((a, b) => (distances(a).get(file) ?? 0) - (distances(b).get(file) ?? 0));
      const distance = (test: string) => distances(test).get(file) ?? 0;
      const closest = near.filter((test) => !onServers.has(test) && distance(test) <= NEAR);
      // A module's own tests should notice. Those further away would notice by chance, and take long.
      const alone = closest.filter((test) => distance(test) <= distance(closest[0] ?? test) + 1);
      const folders = foldersOf(file).flatMap(under);
      return { alone, ofFolders: (folders.length > 0 ? folders : near).filter((test) => !alone.includes(test)) };
    },
  };
}

function foldersOf(file: string): readonly string[] {
  const prefixes = FOLDERS.filter(([prefix]) => file.startsWith(`${prefix}/`));
  return prefixes.sort(([a], [b]) => b.length - a.length)[0]?.[1] ?? [];
}

/** The number of imports from a module to each module that it reaches. */
function distancesFrom(start: string, importsOf: (file: string) => string[]): Map<string, number> {
  const distances = new Map([[start, 0]]);
  for (const [file, distance] of distances) {
    for (const imported of importsOf(file)) {
      if (!distances.has(imported)) distances.set(imported, distance + 1);
    }
  }
  return distances;
}

/**
 * Finds imported modules. Type imports do not count; other strings that name a module may start a thread or process.
 */
function importsIn(file: string, text: string, modules: ReadonlySet<string>): string[] {
  const code = text.replace(/^(import|export) type [^;]*;/gm, '');
  return [...code.matchAll(/['"`](\.{1,2}\/[^'"`\n]+)['"`]/g)]
    .flatMap(([, path = '']) => [join(dirname(file), path), join(dirname(file), `${path}.ts`)])
    .filter((path) => modules.has(path));
}

/** Whether a test uses the run's servers or starts its own. */
function usesServers(file: string, textOf: (file: string) => string): boolean {
  return file === 'local/servers.ts' || (file.startsWith('test/') && /\binject\(/.test(textOf(file)));
}
