import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { createEncoders } from '../../core/artifact/encoder/encoders.ts';
import { frameTexts } from '../../core/artifact/frame.ts';
import { openArtifact } from '../../core/artifact/open-artifact.ts';
import { writeArtifact } from '../../core/artifact/write-artifact.ts';
import { testFolder } from './samples.ts';
import { oneByOne, sentences, write } from './writing.ts';

// A segment holds 64 chunks, so these are three segments and a half.
const CHUNKS = sentences(224);

let folder: string;
let target: string;
let work: string;
beforeEach(async () => {
  folder = await testFolder();
  target = join(folder, 'memory.mp4');
  work = `${target}.parts`;
});

interface WritingProcess {
  child: ChildProcess;
  stderr(): string;
  /** Resolves when it has made this many segments. */
  hasMade(count: number): Promise<void>;
}

/** A process that writes the artifact. `limit` is a shell command to run before. */
function writingProcess(limit = ''): WritingProcess {
  const module = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
  const script = `
    const { write, sentences } = await import(${module('./writing.ts')});
    await write(${JSON.stringify(target)}, sentences(${CHUNKS.length}), { processes: 1 });
  `;
  const child = spawn('sh', ['-c', `${limit} exec "$0" --input-type=module -e "$1"`, process.execPath, script], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let stderr = '';
  child.stderr?.on('data', (data) => {
    stderr += data;
  });
  return {
    child,
    stderr: () => stderr,
    async hasMade(count) {
      const died = once(child, 'exit').then(() => expect.unreachable(`it ended: ${stderr}`));
      died.catch(() => {});
      const made = expect.poll(() => segments().length, { interval: 10 }).toBeGreaterThanOrEqual(count);
      await Promise.race([made, died]);
    },
  };
}

const segments = () => (existsSync(work) ? readdirSync(work).filter((name) => name.endsWith('.segment')) : []);

/** The facts that tell a file from one that was written again. */
const identities = () =>
  Object.fromEntries(
    segments().map((name) => {
      const { ino, mtimeMs } = statSync(join(work, name));
      return [name, `${ino} ${mtimeMs}`];
    }),
  );

/** Kills a writer when it has made this many segments, and returns what it left. */
async function killedAfter(count: number): Promise<Record<string, string>> {
  const { child, stderr, hasMade } = writingProcess();
  await hasMade(count);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(stderr()).toBe('');
  expect(existsSync(target)).toBe(false);
  return identities();
}

/** Writes the artifact, and tells which segments there were right before it was published. */
async function finish(chunks = CHUNKS): Promise<{ before: Record<string, string>; firstFrames: number }> {
  let before = {};
  let firstFrames: number | undefined;
  const onProgress = ({ frames }: { frames: number }) => {
    before = identities();
    firstFrames ??= frames;
  };
  await write(target, chunks, { onProgress });
  const artifact = await openArtifact(target);
  for await (const result of artifact.chunks()) expect(result).toEqual({ n: result.n, chunk: chunks[result.n] });
  expect(artifact.count).toBe(chunks.length);
  artifact.close();
  expect(await readdir(folder)).toEqual(['memory.mp4']);
  return { before, firstFrames: firstFrames ?? 0 };
}

describe('a writer that was killed', () => {
  it('goes on after the last whole segment, and leaves those that are there as they are', async () => {
    const left = await killedAfter(2);
    const { before, firstFrames } = await finish();
    expect(before).toMatchObject(left);
    expect(Object.keys(before)).toHaveLength(4);
    // The frames of a whole segment count at once.
    expect(firstFrames).toBe(64);
  });

  it('makes a segment again that is damaged, or has other content', async () => {
    const left = Object.entries(await killedAfter(2));
    const [[name = ''] = []] = left;
    const path = join(work, name);
    const bytes = await readFile(path);
    bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
    await writeFile(path, bytes);
    const identity = identities()[name];
    const changed = CHUNKS.map((chunk) => (chunk.n === 100 ? { ...chunk, text: 'changed' } : chunk));
    const { before } = await finish(changed);
    expect(before[name]).not.toBe(identity);
    // The segment with the changed chunk has a name of its own.
    expect(Object.keys(before).filter((each) => each.startsWith('000000064'))).toHaveLength(2);
  });

  it('makes a segment again that another version has made', async () => {
    const [name = ''] = Object.keys(await killedAfter(1));
    const path = join(work, name);
    const bytes = await readFile(path);
    await writeFile(path, Buffer.from(bytes.toString('latin1').replace('"encoder":"', '"encoder":"un'), 'latin1'));
    const identity = identities()[name];
    const { before } = await finish();
    expect(before[name]).not.toBe(identity);
  });
});

describe('a full disk', () => {
  // In blocks of 512 bytes: less than a segment, and less than the video.
  it.each([
    ['before the first segment', 16, 0],
    ['at the end', 120, 4],
  ])('%s is named, and leaves what was there', async (_, blocks, made) => {
    await writeFile(target, 'from before');
    const { child, stderr } = writingProcess(`ulimit -f ${blocks};`);
    const [code] = await once(child, 'close');
    expect(code).toBe(1);
    expect(stderr()).toMatch(/memory\.mp4.* can't be written: the disk is full \(EFBIG\)\. Make room and try again\./);
    expect(await readFile(target, 'utf8')).toBe('from before');
    // No half of a file, either.
    expect((await readdir(work)).sort()).toEqual(segments().sort());
    expect(segments()).toHaveLength(made);
    await finish();
  });
});

describe('an abort', () => {
  it('ends the writer with its reason, keeps whole segments, and publishes nothing', async () => {
    const controller = new AbortController();
    const reason = new Error('canceled');
    const onProgress = ({ chunks }: { chunks: number }) => chunks > 0 && controller.abort(reason);
    await expect(write(target, CHUNKS, { signal: controller.signal, onProgress, processes: 1 })).rejects.toBe(reason);
    expect(existsSync(target)).toBe(false);
    expect(segments().length).toBeGreaterThan(0);
    await expect(write(target, CHUNKS, { signal: controller.signal })).rejects.toBe(reason);
    await finish();
  });

  it('does not wait for chunks that do not come', async () => {
    const controller = new AbortController();
    async function* stuck() {
      yield* oneByOne(CHUNKS.slice(0, 3));
      controller.abort(new Error('canceled'));
      await new Promise(() => {});
    }
    const written = writeArtifact(stuck(), { target, dataset: 'd', createdAt: '', signal: controller.signal });
    await expect(written).rejects.toThrow('canceled');
  });
});

describe('the encoder processes', () => {
  const [text = ''] = frameTexts('chunk', 0, Buffer.from('a record'));
  const isAlive = (pid: number) => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };

  it('are as many as asked for, and end with the pool', async () => {
    const encoders = createEncoders(2);
    await encoders.encode(Array.from({ length: 100 }, () => text));
    const pids = encoders.pids();
    expect(pids).toHaveLength(2);
    const late = encoders.encode([text]);
    encoders.close();
    await expect(late).rejects.toThrow(/ended/);
    await expect(encoders.encode([text])).rejects.toThrow(/ended/);
    expect(encoders.pids()).toEqual([]);
    await expect.poll(() => pids.some(isAlive)).toBe(false);
  });

  it('are missed when one dies', async () => {
    const encoders = createEncoders(1);
    onTestFinished(encoders.close);
    await encoders.encode([text]);
    const [pid = 0] = encoders.pids();
    const encoding = encoders.encode([text]);
    process.kill(pid, 'SIGKILL');
    await expect(encoding).rejects.toThrow('the process that encodes frames was ended by SIGKILL');
    // Another one takes its place.
    expect(await encoders.encode([text])).toHaveLength(1);
  });

  it('end when their parent is killed', async () => {
    const { child, hasMade } = writingProcess();
    const children = async () =>
      (await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')).split(' ').filter(Boolean).map(Number);
    await hasMade(1);
    const pids = await children();
    expect(pids).toHaveLength(1);
    child.kill('SIGKILL');
    await expect.poll(() => pids.some(isAlive)).toBe(false);
  });
});

describe('a target', () => {
  it.each([
    ['in a folder that is not there', () => join(folder, 'none', 'memory.mp4'), /the folder .*none is not there/],
    ['below a file', () => join(folder, 'file', 'memory.mp4'), /the folder .*file is not there/],
    ['that is a folder', () => folder, /it is not a file/],
  ])('%s is refused', async (_, path, why) => {
    await writeFile(join(folder, 'file'), '');
    await expect(write(path(), CHUNKS)).rejects.toMatchObject({
      code: 'ArtifactNotWritable',
      message: expect.stringMatching(why),
    });
  });

  it.skipIf(process.getuid?.() === 0)('in a folder that may not be written to is refused', async () => {
    const locked = join(folder, 'locked');
    await mkdir(locked);
    await chmod(locked, 0o500);
    await expect(write(join(locked, 'memory.mp4'), CHUNKS)).rejects.toThrow('is not permitted (EACCES)');
  });

  it('is replaced at the end alone', async () => {
    await writeFile(target, 'from before');
    const seen = new Set<string>();
    await write(target, CHUNKS.slice(0, 70), { onProgress: () => void seen.add(String(statSync(target).size)) });
    expect([...seen]).toEqual(['11']);
    expect(statSync(target).size).toBeGreaterThan(11);
  });
});

describe('chunks', () => {
  it('out of order are refused', async () => {
    await expect(write(target, [CHUNKS[0], CHUNKS[2]] as typeof CHUNKS)).rejects.toThrow('Expected chunk 1, got 2');
  });

  it('are taken only as they are needed', async () => {
    let taken = 0;
    let done = 0;
    let most = 0;
    async function* counted() {
      for (const chunk of sentences(640)) {
        taken += 1;
        most = Math.max(most, taken - done);
        yield chunk;
      }
    }
    const onProgress = ({ chunks }: { chunks: number }) => {
      done = chunks;
    };
    await writeArtifact(counted(), { target, dataset: 'd', createdAt: '', processes: 1, onProgress });
    // Two segments that are made, and one that is gathered.
    expect(most).toBeLessThanOrEqual(3 * 64);
    await rm(target);
  });
});
