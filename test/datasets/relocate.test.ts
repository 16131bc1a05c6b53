import { randomUUID } from 'node:crypto';
import { Binary, ObjectId } from 'mongodb';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { recordJob } from '../../core/jobs/begin.ts';
import { endJob } from '../../core/jobs/phases.ts';
import { checkRelocation, requireApart } from '../../core/relocating/check-relocation.ts';
import { movedFile } from '../../core/relocating/moved-file.ts';
import { relocateSamples } from '../../core/relocating/relocate-samples.ts';
import { isAsLoaded } from '../../core/sources/as-loaded.ts';
import { memorySource } from '../../core/sources/memory/memory-source.ts';
import { requireInDataset } from '../../core/sources/require-in-dataset.ts';
import { createSources, type Source } from '../../core/sources/source.ts';
import { collectionsOf } from '../../core/store/collections.ts';
import { noteDevice } from '../../core/store/jobs.ts';
import { openStore } from '../../core/store/open.ts';
import { prepareDatabase } from '../../core/store/prepare.ts';
import type { Store } from '../../core/store/store.ts';
import { drawPicture } from '../support/pictures.ts';
import { openWorkbench } from '../support/workbench.ts';

const FROM = 'memory:/old';
const TO = 'memory:/new';
const { signal } = new AbortController();
const unwatched = { onStep: () => undefined, signal };

let store: Store;

beforeAll(async () => {
  const uri = new URL(inject('mongodbUri'));
  uri.pathname = `/test-relocate-${randomUUID().slice(0, 8)}`;
  store = openStore(uri.href);
  await prepareDatabase(store);
});
afterAll(async () => {
  await store.client.db(store.database).dropDatabase();
  await store.close();
});

/** A dataset with samples of these paths and parts, numbered in this order. */
async function openDataset(sources: readonly string[], files: readonly { filepath: string; part?: number }[]) {
  const datasetId = `dataset-${randomUUID().slice(0, 8)}`;
  const { datasets, samples } = collectionsOf(store);
  await datasets.insertOne({ _id: datasetId, sources, models: [] } as never);
  const documents = files.map((file, seq) => ({
    _id: new ObjectId(),
    dataset_id: datasetId,
    seq,
    part: 0,
    status: 'indexed',
    tags: [`tag-${seq}`],
    ...file,
  }));
  if (documents.length > 0) await samples.insertMany(documents as never);
  return { datasetId, documents };
}

async function beginJob(datasetId: string): Promise<string> {
  const jobId = randomUUID();
  const request = { dataset: datasetId, from: FROM, to: TO };
  await recordJob(store, { jobId, workflowId: '', kind: 'relocate', datasetId, request, embeds: false });
  return jobId;
}

const samplesOf = (datasetId: string) =>
  collectionsOf(store)
    .samples.find({ dataset_id: datasetId }, { projection: { last_modified_at: 0 } })
    .sort({ seq: 1 })
    .toArray();
const sourcesOf = async (datasetId: string) =>
  (await collectionsOf(store).datasets.findOne({ _id: datasetId }))?.sources;
const below = (folder: string, ...names: string[]) => names.map((name) => ({ filepath: `${folder}/${name}` }));

/** A signal that ends the work after so many steps, as the death of a worker would. */
function killedAfter(steps: number) {
  const stop = new AbortController();
  let left = steps;
  const onStep = () => {
    left -= 1;
    if (left === 0) stop.abort(new Error('killed'));
  };
  return { onStep, signal: stop.signal };
}

describe('a moved file', () => {
  const move = { from: '/old', to: '/new' };

  it('has the same name below the new folder', () => {
    expect(movedFile({ path: '/old/a/old/b.jpg' }, move)).toEqual({ path: '/new/a/old/b.jpg' });
  });

  it('keeps the bytes of a name that is not UTF-8, and its text as a walk shows it', () => {
    const bytes = Buffer.concat([Buffer.from('/old/caf'), Buffer.from([0xe9]), Buffer.from('/a.jpg')]);
    expect(movedFile({ path: '/old/caf\\xe9/a.jpg', bytes }, { from: '/old', to: '/new/é' })).toEqual({
      path: '/new/é/caf\\xe9/a.jpg',
      bytes: Buffer.concat([Buffer.from('/new/é/caf'), Buffer.from([0xe9]), Buffer.from('/a.jpg')]),
    });
  });

  it('needs no bytes for the old folder, whose text is longer than its bytes', () => {
    const bytes = Buffer.concat([Buffer.from('/old/caf'), Buffer.from([0xe9]), Buffer.from('/é.jpg')]);
    const from = '/old/caf\\xe9';
    expect(movedFile({ path: `${from}/é.jpg`, bytes }, { from, to: '/new' })).toEqual({ path: '/new/é.jpg' });
    const odd = Buffer.concat([bytes.subarray(0, 10), Buffer.from([0xff])]);
    expect(movedFile({ path: `${from}/\\xff`, bytes: odd }, { from, to: '/new' })).toEqual({
      path: '/new/\\xff',
      bytes: Buffer.concat([Buffer.from('/new/'), Buffer.from([0xff])]),
    });
  });
});

describe('a relocate', () => {
  it('goes on after its worker was killed, with exact counts, and moves only what lies below the folder', async () => {
    // Files of three samples each, so that batches end within a file.
    const moving = Array.from({ length: 2500 }, (_, i) => ({
      filepath: `${FROM}/${Math.floor(i / 3)}.lines`,
      part: i % 3,
    }));
    const beside = below('memory:', 'old', 'old-1/a', 'old0', 'ol/a', 'older/a');
    const { datasetId, documents } = await openDataset([FROM, 'memory:/older'], [...moving, ...beside]);
    const jobId = await beginJob(datasetId);
    const request = { jobId, datasetId, from: FROM, to: TO };

    await expect(relocateSamples(store, { ...request, ...killedAfter(3) })).rejects.toThrow('killed');
    const half = await samplesOf(datasetId);
    expect(half.filter(({ filepath }) => filepath.startsWith(`${TO}/`))).toHaveLength(2000);
    expect((await collectionsOf(store).jobs.findOne({ _id: jobId }))?.moved).toEqual({ samples: 2000 });
    expect(await sourcesOf(datasetId)).toEqual([FROM, 'memory:/older', TO]);

    expect(await relocateSamples(store, { ...request, ...unwatched })).toEqual({ samples: 2500 });
    expect(await samplesOf(datasetId)).toEqual(
      documents.map((sample) => ({ ...sample, filepath: sample.filepath.replace(`${FROM}/`, `${TO}/`) })),
    );
    expect(await sourcesOf(datasetId)).toEqual(['memory:/older', TO]);
  });

  it('is completed by another one that finds all samples moved, and the old folder still a source', async () => {
    const { datasetId } = await openDataset([FROM], below(FROM, 'a'));
    const canceled = await beginJob(datasetId);
    const move = { datasetId, from: FROM, to: TO };
    await expect(relocateSamples(store, { jobId: canceled, ...move, ...killedAfter(2) })).rejects.toThrow('killed');
    await endJob(store, canceled, 'canceled');
    expect((await samplesOf(datasetId)).map(({ filepath }) => filepath)).toEqual([`${TO}/a`]);

    await requireInDataset(store, { datasetId, folder: FROM });
    await checkRelocation(store, createSources([memorySource()]), { ...move, ...unwatched });
    const jobId = await beginJob(datasetId);

    expect(await relocateSamples(store, { jobId, ...move, ...unwatched })).toEqual({ samples: 0 });
    expect(await sourcesOf(datasetId)).toEqual([TO]);
  });

  it('moves nothing once its job is over', async () => {
    const { datasetId, documents } = await openDataset([FROM], below(FROM, 'a'));
    const jobId = await beginJob(datasetId);
    await endJob(store, jobId, 'canceled');

    const late = relocateSamples(store, { jobId, datasetId, from: FROM, to: TO, ...unwatched });

    await expect(late).rejects.toMatchObject({ code: 'Superseded' });
    expect(await samplesOf(datasetId)).toEqual(documents);
    expect(await sourcesOf(datasetId)).toEqual([FROM]);
  });

  it('renames the sources that are the folder or lie below it, and no other', async () => {
    const sources = [`${FROM}/b`, 'memory:/else', `${FROM}/a`];
    const { datasetId } = await openDataset(sources, below(FROM, 'a/1', 'b/1', 'loose'));
    const jobId = await beginJob(datasetId);

    // The worker may die after the last step, and another attempt follows.
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      const moved = await relocateSamples(store, { jobId, datasetId, from: FROM, to: TO, ...unwatched });
      expect(moved).toEqual({ samples: 3 });
      expect(await sourcesOf(datasetId)).toEqual(['memory:/else', `${TO}/b`, `${TO}/a`]);
    }
  });

  it('of a folder below a source adds the new folder to the sources, unless it is below one, too', async () => {
    const [away, within] = await Promise.all([1, 2].map(() => openDataset([FROM], below(FROM, 'a/1', 'b/1'))));
    for (const [dataset, to] of [
      [away, TO],
      [within, `${FROM}/c`],
    ] as const) {
      const datasetId = dataset?.datasetId ?? '';
      const jobId = await beginJob(datasetId);
      const moved = await relocateSamples(store, { jobId, datasetId, from: `${FROM}/a`, to, ...unwatched });
      expect(moved).toEqual({ samples: 1 });
    }

    expect(await sourcesOf(away?.datasetId ?? '')).toEqual([FROM, TO]);
    expect(await sourcesOf(within?.datasetId ?? '')).toEqual([FROM]);
  });

  it('of names that are not UTF-8 keeps their bytes in step with their text', async () => {
    const bytesBelow = (folder: string) => Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff])]);
    const { datasetId } = await openDataset(['/old'], [{ filepath: '/old/\\xff' }, { filepath: '/old/\\xfe/é' }]);
    const { samples } = collectionsOf(store);
    const bytes = [bytesBelow('/old'), Buffer.concat([Buffer.from('/old/'), Buffer.from([0xfe]), Buffer.from('/é')])];
    for (const [seq, raw] of bytes.entries())
      await samples.updateOne({ dataset_id: datasetId, seq }, { $set: { filepath_bytes: new Binary(raw) } });

    for (const [from, to] of [
      ['/old/\\xfe', '/new/plain'],
      ['/old', '/new'],
    ] as const) {
      const jobId = await beginJob(datasetId);
      await relocateSamples(store, { jobId, datasetId, from, to, ...unwatched });
    }

    const [odd, plain] = await samplesOf(datasetId);
    expect([odd?.filepath, Buffer.from(odd?.filepath_bytes?.buffer ?? [])]).toEqual(['/new/\\xff', bytesBelow('/new')]);
    expect(plain?.filepath).toBe('/new/plain/é');
    expect(plain).not.toHaveProperty('filepath_bytes');
  });
});

describe('a folder that moves to or from the root of a disk', () => {
  it.each([
    ['/', 'memory:/x', 'memory:/x/a/1.jpg'],
    ['memory:/x', '/', '/a/1.jpg'],
  ])('%s to %s', (from, to, moved) => {
    const path = `${from === '/' ? '' : from}/a/1.jpg`;
    const bytes = Buffer.concat([Buffer.from(path), Buffer.from([0xff])]);
    expect(movedFile({ path }, { from, to })).toEqual({ path: moved });
    expect(movedFile({ path: `${path}\\xff`, bytes }, { from, to })).toEqual({
      path: `${moved}\\xff`,
      bytes: Buffer.concat([Buffer.from(moved), Buffer.from([0xff])]),
    });
  });
});

describe('a relocate is refused', () => {
  const memory = memorySource();
  const sources = createSources([memory]);
  memory.put(`${TO}/there`, Buffer.from('a'));
  const move = { from: FROM, to: TO };

  it.each([
    [FROM, FROM],
    [FROM, `${FROM}/a`],
    [`${FROM}/a`, FROM],
    ['/old', '/'],
  ])('from %s to %s, since their paths overlap', (from, to) => {
    expect(() => requireApart({ from, to })).toThrow(expect.objectContaining({ code: 'FoldersOverlap' }));
    expect(() => requireApart({ from, to: `${from}er` })).not.toThrow();
  });

  it('where the dataset has nothing of the old folder, and told its sources', async () => {
    const { datasetId } = await openDataset([FROM], below(FROM, 'a/1'));
    const require = (folder: string) => requireInDataset(store, { datasetId, folder });

    await expect(require('memory:/ol')).rejects.toMatchObject({
      code: 'FolderNotInDataset',
      message: expect.stringContaining(`Its sources: ${FROM}.`),
    });
    await expect(require(`${FROM}/a/1`)).rejects.toMatchObject({ code: 'FolderNotInDataset' });
    await require(`${FROM}/a`);
    await require('memory:');
  });

  it('where a sample has one of the new paths, in whatever part and state', async () => {
    const { datasetId } = await openDataset([FROM, TO], below(FROM, 'before', 'there', 'x'));
    await collectionsOf(store).samples.insertOne({
      dataset_id: datasetId,
      seq: 3,
      filepath: `${TO}/x`,
      part: 2,
      status: 'missing',
    } as never);

    await expect(checkRelocation(store, sources, { datasetId, ...move, ...unwatched })).rejects.toMatchObject({
      code: 'PathTaken',
      message: expect.stringMatching(
        /memory:\/new\/x .*forget dataset-\w+ --source memory:\/old; .*plimsoll forget dataset-\w+ --source memory:\/new$/s,
      ),
    });
  });

  it('where another one was broken off and its new folder was loaded: the samples that were moved are kept', async () => {
    const { datasetId } = await openDataset([FROM, TO], [...below(FROM, 'x'), ...below(TO, 'x')]);
    const brokenOff = await beginJob(datasetId);
    await collectionsOf(store).jobs.updateOne({ _id: brokenOff }, { $set: { 'moved.samples': 1 } });
    await endJob(store, brokenOff, 'canceled');

    const message = await checkRelocation(store, sources, { datasetId, ...move, ...unwatched }).catch(String);

    expect(message).toMatch(/keep them.* --source memory:\/old$/s);
    expect(message).not.toContain('--source memory:/new');
  });

  it('not because its paths are long in bytes', async () => {
    const long = 'a'.repeat(14_000);
    const { datasetId } = await openDataset(
      [FROM],
      below(FROM, ...Array.from({ length: 1300 }, (_, i) => `${long}/${i}`)),
    );
    memory.put(`${TO}/${long}/0`, Buffer.from('a'));
    await checkRelocation(store, sources, { datasetId, ...move, ...unwatched });
  });

  it('where none of its files is below the new folder', async () => {
    const { datasetId } = await openDataset([FROM], below(FROM, 'a', 'b'));

    await expect(checkRelocation(store, sources, { datasetId, ...move, ...unwatched })).rejects.toMatchObject({
      code: 'FilesNotMoved',
      message: expect.stringContaining(`none of 2 is there: no ${TO}/a.`),
    });
  });

  it('not where some are, wherever they are in the order', async () => {
    const many = Array.from({ length: 1000 }, (_, i) => String(i).padStart(4, '0'));
    const { datasetId } = await openDataset([FROM], below(FROM, ...many));
    for (const name of many.slice(900)) memory.put(`${TO}/${name}`, Buffer.from('a'));
    const lookedFor: string[] = [];
    const watched = {
      ...memory,
      stat(file: { path: string }) {
        lookedFor.push(file.path);
        return memory.stat(file);
      },
    };

    await checkRelocation(store, createSources([watched]), { datasetId, ...move, ...unwatched });

    expect(lookedFor.length).toBeGreaterThan(50);
    expect(lookedFor.length).toBeLessThanOrEqual(100);
  });
});

describe('the disk of a source that was relocated', () => {
  it('is that of the new folder when the relocate began', async () => {
    let disk = 'first';
    const memory = { ...memorySource(), check: async (root: string) => root, identity: async () => disk };
    const sources = createSources([memory]);
    const nested = `${TO}/nested`;
    const { datasetId } = await openDataset([TO, nested], []);
    const asLoaded = async () => {
      const [whole, part] = await Promise.all([TO, nested].map((root) => isAsLoaded(store, sources, datasetId, root)));
      expect(part).toBe(whole);
      return whole;
    };

    expect(await asLoaded()).toBe(true);
    const jobId = await beginJob(datasetId);
    await noteDevice(store, jobId, 'second');
    expect(await asLoaded()).toBe(true);
    await endJob(store, jobId, 'completed');

    expect(await asLoaded()).toBe(false);
    disk = 'second';
    expect(await asLoaded()).toBe(true);
  });
});

describe('a relocate that is canceled with a reason', () => {
  it('ends before it moves anything, and its record says why', async () => {
    const memory = memorySource();
    const looking = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    const held: Source = {
      ...memory,
      async stat(file) {
        looking.resolve();
        await released.promise;
        return memory.stat(file);
      },
    };
    const bench = await openWorkbench({ roles: ['indexing'], plugin: { sources: [held] } });
    try {
      const dataset = bench.newDataset();
      const picture = await drawPicture(1);
      memory.put(`${FROM}/a.jpg`, picture);
      memory.put(`${TO}/a.jpg`, picture);
      await bench.load({ dataset, source: FROM, embed: false });

      const { job_id } = await bench.relocate({ dataset, from: FROM, to: TO });
      await looking.promise;
      await bench.cancel(job_id, { reason: 'the wrong folder' });
      released.resolve();

      expect(await bench.wait(job_id)).toMatchObject({
        state: 'canceled',
        error: { code: 'Canceled', message: expect.stringContaining('Canceled: the wrong folder.') },
      });
      const samples = await collectionsOf(bench.store).samples.find({ dataset_id: dataset }).toArray();
      expect(samples.map(({ filepath }) => filepath)).toEqual([`${FROM}/a.jpg`]);
      // Refused before there is a job.
      await expect(bench.forget({ dataset, source: 'memory:/none' })).rejects.toMatchObject({
        code: 'FolderNotInDataset',
      });
      await expect(bench.relocate({ dataset, from: FROM, to: FROM })).rejects.toMatchObject({ code: 'FoldersOverlap' });
    } finally {
      released.resolve();
      await bench.stop();
    }
  });
});
