import { execFile } from 'node:child_process';
import { appendFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { ExportRequest, ExportSample } from '../../core/exporting/export-request.ts';
import { exportSamples } from '../../core/exporting/export-samples.ts';
import type { folderSource } from '../../core/sources/folder/folder-source.ts';
import { fileSample, filesOf, newFolder, requestFor, sampleOf, streamOf } from './support/exports.ts';

const run = promisify(execFile);
const scripts = join(import.meta.dirname, 'support');

/** Pictures with boxes, in several folders. */
async function manySamples(count: number): Promise<ExportSample[]> {
  const root = await newFolder();
  return Promise.all(
    Array.from({ length: count }, (_, index) =>
      fileSample(root, index, `${index % 5}/${index}.jpg`, `image ${index}`, {
        annotations: [{ label: `class ${index % 3}`, bounding_box: [0.1, 0.1, 0.5, 0.5] }],
      }),
    ),
  );
}

/** Samples that end with an error after some of them. */
const failingAfter = (samples: readonly ExportSample[], count: number, error: Error) =>
  async function* () {
    yield* samples.slice(0, count);
    throw error;
  };

describe('an export that died at any of its calls of the file system', () => {
  it('goes on, and ends with the same bytes', async () => {
    // The others have one large file, as CSV has.
    const formats = ['coco', 'yolo', 'csv', 'folders', 'npy'];
    const { stdout } = await run(process.execPath, [
      '--no-warnings',
      join(scripts, 'break-everywhere.ts'),
      'die',
      ...formats,
    ]);
    expect(stdout.trim().split('\n')).toEqual([
      ...formats.map((format) => expect.stringMatching(new RegExp(`^${format} copy: \\d\\d breaks$`))),
      expect.stringMatching(/^yolo link: \d\d breaks$/),
    ]);
  });

  it('says that the disk is full if it is, and goes on when there is room', async () => {
    const formats = ['voc', 'parquet'];
    const { stdout } = await run(process.execPath, [join(scripts, 'break-everywhere.ts'), 'full', ...formats]);
    expect(stdout.trim().split('\n')).toEqual([
      ...formats.map((format) => expect.stringMatching(new RegExp(`^${format} copy: \\d\\d breaks$`))),
      expect.stringMatching(/^yolo link: \d\d breaks$/),
    ]);
  });
});

describe('another attempt', () => {
  it('copies no image again that is whole, and each that is not', async () => {
    const samples = await manySamples(100);
    const target = join(await newFolder(), 'out');
    const request = requestFor(target, 'yolo', { images: 'copy' });
    const lost = new Error('connection lost');
    await expect(exportSamples(failingAfter(samples, 70, lost), { ...request, task: 'detect' })).rejects.toBe(lost);
    expect((await readdir(target)).sort()).toEqual([
      '.plimsoll-export.json',
      '.plimsoll-export.written',
      'images',
      'labels',
    ]);

    const place = (index: number) => join(target, `images/train/${index % 5}/${index}.jpg`);
    const before = await stat(place(1));
    await writeFile(place(2), 'cut');
    // The same size at another time: the file was changed in between.
    await writeFile(samples[3]?.file.path ?? '', 'IMAGE 3');
    const counts = await exportSamples(streamOf(samples), { ...request, task: 'detect' });

    expect((await stat(place(1))).ino).toBe(before.ino);
    expect(await readFile(place(2), 'utf8')).toBe('image 2');
    expect(await readFile(place(3), 'utf8')).toBe('IMAGE 3');
    expect(counts).toMatchObject({ samples: 100, images: 100 });
  });

  it('leaves nothing of samples that are gone since, and all that it has not written', async () => {
    const samples = await manySamples(70);
    // A line separator is no end of a line of the journal.
    samples[0] = await fileSample(await newFolder(), 0, '0/an odd\u2028name.jpg', 'odd');
    const folder = await newFolder();
    const target = join(folder, 'out');
    const request = requestFor(target, 'voc', { images: 'copy' });
    await expect(exportSamples(failingAfter(samples, 70, new Error('lost')), request)).rejects.toThrow('lost');
    for (const name of ['notes.txt', 'JPEGImages/0/mine.jpg', 'Annotations/mine.xml'])
      await writeFile(join(target, name), 'mine');
    // A line that was cut, and one that leads elsewhere: both are left alone.
    await writeFile(join(folder, 'elsewhere.txt'), 'mine');
    await appendFile(join(target, '.plimsoll-export.written'), '\n"../elsewhere.txt"\n"notes');
    await exportSamples(streamOf(samples.slice(1, 3)), request);
    expect(await readFile(join(folder, 'elsewhere.txt'), 'utf8')).toBe('mine');
    expect([...(await filesOf(target)).keys()].sort()).toEqual([
      '.plimsoll-export.json',
      'Annotations/1/1.xml',
      'Annotations/2/2.xml',
      'Annotations/mine.xml',
      'JPEGImages/0/mine.jpg',
      'JPEGImages/1/1.jpg',
      'JPEGImages/2/2.jpg',
      'notes.txt',
    ]);
    expect((await readdir(join(target, 'Annotations'))).sort()).toEqual(['1', '2', 'mine.xml']);
  });

  it.each([0, 1, 63, 64, 65, 200, 299])('after an abort at sample %i ends with the same bytes', async (at) => {
    const samples = await manySamples(300);
    for (const format of ['coco', 'yolo', 'parquet'] as const) {
      const request = requestFor(join(await newFolder(), 'out'), format, { images: 'copy', task: 'detect' });
      const controller = new AbortController();
      const stop = new Error('worker stops');
      const aborting = async function* () {
        for (const sample of samples) {
          if (sample.seq === at) controller.abort(stop);
          yield sample;
        }
      };
      await expect(exportSamples(aborting, { ...request, signal: controller.signal })).rejects.toBe(stop);
      await exportSamples(streamOf(samples), request);

      const whole = { ...request, target: join(await newFolder(), 'out') };
      await exportSamples(streamOf(samples), whole);
      expect(await filesOf(request.target)).toEqual(await filesOf(whole.target));
    }
  });

  it('closes the samples that it was reading', async () => {
    let isClosed = false;
    const samples = async function* () {
      try {
        for (let seq = 0; ; seq++) yield sampleOf(seq, `${seq}.jpg`);
      } finally {
        isClosed = true;
      }
    };
    const controller = new AbortController();
    const onProgress = () => controller.abort();
    const request = requestFor(join(await newFolder(), 'out'), 'csv', { signal: controller.signal, onProgress });
    await expect(exportSamples(samples, request)).rejects.toThrow();
    expect(isClosed).toBe(true);
  });
});

describe('the folder of an export', () => {
  const unread = (): AsyncIterable<ExportSample> => {
    throw new Error('The samples must not be read.');
  };
  const refusal = async (request: ExportRequest) => exportSamples(unread, request).catch((error) => error);

  it('may be there if it is empty, and its parents are made', async () => {
    const folder = await newFolder();
    await exportSamples(streamOf([]), requestFor(folder, 'csv'));
    await exportSamples(streamOf([]), requestFor(join(folder, 'a/b'), 'csv'));
    expect((await filesOf(folder)).has('a/b/annotations.csv')).toBe(true);
  });

  it('must not hold anything else, nor be a file', async () => {
    const folder = await newFolder();
    await writeFile(join(folder, 'mine.txt'), 'mine');
    for (const target of [folder, join(folder, 'mine.txt'), join(folder, 'mine.txt/out')])
      expect(await refusal(requestFor(target, 'csv'))).toMatchObject({
        code: 'ExportNotWritable',
        message: expect.stringContaining(target),
      });
    expect(await filesOf(folder)).toEqual(new Map([['mine.txt', Buffer.from('mine')]]));
  });

  it('must not hold an export with other options, or another one that is finished', async () => {
    const folder = await newFolder();
    const request = requestFor(folder, 'csv');
    await expect(exportSamples(failingAfter([], 0, new Error('lost')), request)).rejects.toThrow('lost');
    expect(await refusal({ ...request, format: 'jsonl' })).toMatchObject({ code: 'ExportNotWritable' });
    expect(await refusal({ ...request, dataset: 'other' })).toMatchObject({ code: 'ExportNotWritable' });
    const counts = await exportSamples(streamOf([sampleOf(1, 'a.jpg')]), { ...request, id: 'job-2' });
    expect(counts.samples).toBe(1);
    expect(await refusal(request)).toMatchObject({
      code: 'ExportNotWritable',
      message: expect.stringContaining('finished'),
    });
    // The job itself may be asked again, if its answer was lost.
    expect(await exportSamples(unread, { ...request, id: 'job-2' })).toEqual(counts);
  });

  it('must have a marker of ours if it has one', async () => {
    const folder = await newFolder();
    for (const marker of ['not JSON', 'null', '{"request":1}']) {
      await writeFile(join(folder, '.plimsoll-export.json'), marker);
      expect(await refusal(requestFor(folder, 'csv'))).toMatchObject({ code: 'ExportNotWritable' });
    }
  });

  it('may hold what an attempt has left before it had a marker', async () => {
    const folder = await newFolder();
    await mkdir(join(folder, '.plimsoll-export.parts'));
    await writeFile(join(folder, '.plimsoll-export.json.tmp'), '{');
    await exportSamples(streamOf([]), requestFor(folder, 'csv'));
    expect([...(await filesOf(folder)).keys()].sort()).toEqual(['.plimsoll-export.json', 'annotations.csv']);
  });
});

describe('an export of 100,000 samples', () => {
  it.each([
    ['coco', 100_000],
    ['npy', 100_000],
    ['parquet', 100_000],
    // Label files are a matter of the disk, not of memory.
    ['yolo', 5000],
  ] as const)('as %s fits in a heap of 64 MB', async (format, count) => {
    const target = join(await newFolder(), 'out');
    const { stdout } = await run(process.execPath, [
      '--max-old-space-size=64',
      join(scripts, 'export-many.ts'),
      target,
      format,
      String(count),
    ]);
    expect(JSON.parse(stdout)).toMatchObject({ samples: count, annotations: count });
  });
});

it('opens files only to copy them or to link to them', async () => {
  const open: ReturnType<typeof folderSource>['open'] = () => Promise.reject(new Error('opened'));
  const request = requestFor(join(await newFolder(), 'out'), 'csv', { open });
  await expect(exportSamples(streamOf([sampleOf(1, 'a.jpg')]), request)).resolves.toMatchObject({ samples: 1 });
  const copying = { ...request, target: join(await newFolder(), 'out'), images: 'copy' as const };
  await expect(exportSamples(streamOf([sampleOf(1, 'a.jpg')]), copying)).rejects.toThrow('opened');
});
