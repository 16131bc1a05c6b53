import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setImmediate } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { DEFAULT_DOCUMENT_LIMITS } from '../../../core/media/documents/document-limits.ts';
import { createDocumentReaders, type DocumentReaders } from '../../../core/media/documents/reader/document-readers.ts';
import { cpuTicksOf, isAlive } from '../../support/processes.ts';
import { standStill } from '../../support/stand-still.ts';

const CHUNKING = { size: 400, overlap: 0, unit: 'characters' } as const;

let dir: string;
let readers: DocumentReaders;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'plimsoll-readers-'));
});
afterAll(() => rm(dir, { recursive: true }));
beforeEach(() => {
  readers = createDocumentReaders({ most: 1 });
});
afterEach(() => readers.close());

async function file(name: string, content: Buffer | string): Promise<string> {
  const path = join(dir, name);
  await writeFile(path, content);
  return path;
}

const read = (path: string, from = readers, limits = DEFAULT_DOCUMENT_LIMITS) =>
  from.read({ path }, path, CHUNKING, limits);

it('reads documents in one process, and gives an item for each chunk', async () => {
  const text = '# Ships\n\nA ship has a load line.\n\n## Marks\n\nThe line is a mark.\n';
  const items = await itemsOf(await file('notes.md', text));
  expect(items.map(({ metadata }) => metadata)).toEqual([
    {
      mime_type: 'text/markdown',
      format: 'markdown',
      title: 'Ships',
      text: '# Ships\n\nA ship has a load line.',
      headings: ['Ships'],
      start: 0,
      end: 32,
      tokens: expect.any(Number),
    },
    expect.objectContaining({ text: '## Marks\n\nThe line is a mark.', headings: ['Ships', 'Marks'], start: 34 }),
  ]);
  for (const { metadata, content } of items)
    expect(content).toBe(
      createHash('sha256')
        .update(metadata.text as string)
        .digest('hex'),
    );
  const [item] = await itemsOf(await file('main.py', 'print("привет")\n'));
  expect(item?.metadata).toMatchObject({ mime_type: 'text/plain', format: 'code', text: 'print("привет")' });
  expect(readers.pids()).toHaveLength(1);
});

async function itemsOf(path: string) {
  const result = await read(path);
  if ('error' in result) throw new Error(result.error.message);
  return result.items;
}

it('reads bytes, and names that are no UTF-8', async () => {
  const bytes = Buffer.from('a text');
  expect(await readers.read({ bytes }, 'a.txt', CHUNKING, DEFAULT_DOCUMENT_LIMITS)).toMatchObject({
    items: [{ metadata: { text: 'a text' } }],
  });
  const path = Buffer.concat([Buffer.from(`${dir}/caf`), Buffer.from([0xe9])]);
  await writeFile(path, 'another');
  expect(await readers.read({ path }, 'caf\\xe9.txt', CHUNKING, DEFAULT_DOCUMENT_LIMITS)).toMatchObject({
    items: [{ metadata: { text: 'another' } }],
  });
});

it('says what is wrong with a file that is not there, no file, or of another format', async () => {
  await mkdir(join(dir, 'folder.txt'));
  await symlink('nowhere', join(dir, 'dangling.txt'));
  execFileSync('mkfifo', [join(dir, 'pipe.txt')]);
  const codeOf = async (path: string) => {
    const result = await read(path);
    return 'error' in result ? result.error.code : undefined;
  };
  expect(await codeOf(join(dir, 'gone.txt'))).toBe('file_not_found');
  expect(await codeOf(join(dir, 'dangling.txt'))).toBe('file_not_found');
  expect(await codeOf(join(dir, 'folder.txt'))).toBe('not_a_file');
  expect(await codeOf(join(dir, 'pipe.txt'))).toBe('not_a_file');
  expect(await codeOf(await file('old.doc', 'x'))).toBe('unsupported_format');
  expect(await codeOf(await file('empty.txt', ''))).toBe('empty_file');
  expect(await codeOf(await file('blank.txt', ' \n\n'))).toBe('no_text');
});

it('refuses a file above the limit before it reads it', async () => {
  // A sparse file: reading its 8 TB would take hours.
  const path = await file('huge.txt', '');
  await truncate(path, 2 ** 43);
  expect(await read(path)).toEqual({
    error: {
      code: 'document_too_large',
      message: expect.stringMatching(/8,796,093,022,208 bytes; the limit is 33,554,432.*PLIMSOLL_MAX_DOCUMENT_BYTES/),
    },
  });
  const bytes = Buffer.alloc(101, 'a');
  expect(await readers.read({ bytes }, 'a.txt', CHUNKING, { maxBytes: 100 })).toMatchObject({
    error: { code: 'document_too_large' },
  });
});

/** Sends a document to a reader that stands still, so it is in the midst of it. */
async function readStopped(path: string, from = readers) {
  await read(await file('first.txt', 'first'), from);
  const [pid] = from.pids() as [number];
  process.kill(pid, 'SIGSTOP');
  const reading = read(path, from);
  // The order is sent when the loop runs once more.
  await setImmediate();
  return { pid, reading };
}

it('reads a document again in another process when its own was killed', async () => {
  const { pid, reading } = await readStopped(await file('killed.txt', 'text'));
  process.kill(pid, 'SIGKILL');
  expect(await reading).toHaveProperty('items');
  expect(isAlive(pid)).toBe(false);
  expect(readers.pids()).not.toContain(pid);
});

it('reads a document again when its process stands still', async () => {
  const short = createDocumentReaders({ most: 1, timeoutMs: 3000 });
  try {
    const { pid, reading } = await readStopped(await file('stopped.txt', 'text'), short);
    expect(await reading).toHaveProperty('items');
    await expect.poll(() => isAlive(pid)).toBe(false);
  } finally {
    short.close();
  }
});

it('takes no answer for late that came while its own process stood still', async () => {
  const short = createDocumentReaders({ most: 1, timeoutMs: 1000 });
  try {
    const path = await file('frozen.txt', 'text');
    await read(path, short);
    const pids = short.pids();
    const reading = read(path, short);
    await setImmediate();
    standStill(2000);
    expect(await reading).toHaveProperty('items');
    expect(short.pids()).toEqual(pids);
  } finally {
    short.close();
  }
});

it('fails a document that needs more memory than a reader may take, and no other', async () => {
  const small = createDocumentReaders({ most: 2, memoryMb: 256 });
  try {
    const large = await file('large.log', 'A line of a log.\n\n'.repeat(1_000_000));
    const [failed, other] = await Promise.all([read(large, small), read(await file('small.txt', 'small'), small)]);
    expect(failed).toEqual({
      error: { code: 'read_crashed', message: 'the document needs more than 256 MB of memory to be read' },
    });
    expect(other).toHaveProperty('items');
  } finally {
    small.close();
  }
});

it('ends processes that have nothing to do', async () => {
  const short = createDocumentReaders({ most: 1, idleMs: 10 });
  await read(await file('short.txt', 'short'), short);
  await expect.poll(() => short.pids()).toEqual([]);
});

it('starts no more processes than it may, and as many as there is work for', async () => {
  const two = createDocumentReaders({ most: 2 });
  try {
    const path = await file('many.txt', 'many');
    const all = Array.from({ length: 20 }, () => read(path, two));
    expect(two.pids()).toHaveLength(2);
    for (const result of await Promise.all(all)) expect(result).toHaveProperty('items');
    expect(two.pids()).toHaveLength(2);
  } finally {
    two.close();
  }
});

it('fails what waits when it is closed, and starts nothing for it', async () => {
  const path = await file('closed.txt', 'closed');
  const outcomes = [read(path), read(path)].map((reading) => reading.catch((error: Error) => error.message));
  readers.close();
  expect(await Promise.all(outcomes)).toEqual([
    'the process that reads documents was ended',
    'closed before a process that reads documents was free',
  ]);
  expect(readers.pids()).toEqual([]);
});

it('is told none of our secrets', async () => {
  process.env.PLIMSOLL_API_TOKENS = 'secret';
  try {
    await read(await file('secret.txt', 'text'));
    const environment = readFileSync(`/proc/${readers.pids()[0]}/environ`, 'utf8');
    expect(environment).toContain('PATH=');
    expect(environment).not.toContain('secret');
  } finally {
    delete process.env.PLIMSOLL_API_TOKENS;
  }
});

it.each(['SIGKILL', 'SIGTERM'] as const)('dies with its parent, in the midst of a document (%s)', async (signal) => {
  const path = await file('long.log', 'A line of a log.\n\n'.repeat(1_000_000));
  const module = join(import.meta.dirname, '../../../core/media/documents/reader/document-readers.ts');
  const script = `
    import { createDocumentReaders } from ${JSON.stringify(module)};
    const readers = createDocumentReaders({ most: 1 });
    const path = ${JSON.stringify(path)};
    readers.read({ path }, path, ${JSON.stringify(CHUNKING)}, { maxBytes: 1e9 }).catch(() => {});
    console.log(readers.pids()[0]);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string];
  const pid = Number(line);
  await expect.poll(() => cpuTicksOf(pid)).toBeGreaterThan(60);
  parent.kill(signal);
  await expect.poll(() => isAlive(pid)).toBe(false);
});
