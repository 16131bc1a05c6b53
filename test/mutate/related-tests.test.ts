import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { mapTests, type TestMap } from '../../scripts/mutate/related-tests.ts';

const FILES = {
  'core/limits/a.ts': "import { b } from './b.ts';",
  'core/limits/b.ts': "import type { C } from './c.ts';\nnew Worker(new URL('./thread.ts', import.meta.url));",
  'core/limits/c.ts': '',
  'core/limits/thread.ts': '',
  'test/limits/a.test.ts': "import { a } from '../../core/limits/a.ts';",
  'test/limits/b.test.ts': "import { b } from '../../core/limits/b.ts';",
  'test/limits/served.test.ts': "import '../support/bench.ts';",
  'test/support/bench.ts': "import { a } from '../../core/limits/a.ts';\ninject('mongodbUri');",
};

let root: string;
let map: TestMap;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'plimsoll-tests-of-'));
  for (const [file, text] of Object.entries(FILES)) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), text);
  }
  map = mapTests(root, Object.keys(FILES));
});
afterAll(() => rm(root, { recursive: true }));

it.each([
  ['its own test', 'core/limits/a.ts', ['test/limits/a.test.ts']],
  ['its own test, then those that reach it', 'core/limits/b.ts', ['test/limits/b.test.ts', 'test/limits/a.test.ts']],
  ['tests that start it as a thread', 'core/limits/thread.ts', ['test/limits/b.test.ts', 'test/limits/a.test.ts']],
])('a file has %s', (_, file, alone) => {
  const ofFolders = map.under('limits').filter((test) => !alone.includes(test));
  expect(map.testsOf(file)).toEqual({ alone, ofFolders });
});

it('a file that is imported for its types only has the tests of its folder', () => {
  expect(map.testsOf('core/limits/c.ts')).toEqual({ alone: [], ofFolders: map.under('limits') });
});

it('a test needs servers if what it imports asks for them', () => {
  expect(map.under('test/limits').filter(map.needsServers)).toEqual(['test/limits/served.test.ts']);
});
