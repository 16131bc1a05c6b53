import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { countWritten } from '../../api/metrics/written.ts';
import { makePictures } from '../support/pictures.ts';
import { createStandIn } from '../support/stand-in-embedder.ts';
import { openWorkbench, type Workbench } from '../support/workbench.ts';
import { openTestApi, type TestApi } from './support/open-api.ts';

const PICTURES = 600;
/** Several seconds of work, which costs nothing. */
const PER_SECOND = 150;

let bench: Workbench;
let api: TestApi;

beforeAll(async () => {
  bench = await openWorkbench({ plugin: { embedder: createStandIn({ perSecond: PER_SECOND }) } });
  api = await openTestApi(bench.store);
  await makePictures(join(bench.folder, 'pictures'), PICTURES);
});

afterAll(async () => {
  await api?.close();
  await bench?.stop();
});

test('what jobs write is counted while they run, and stays counted when they are over', async () => {
  const { job_id } = await bench.startLoad({ dataset: bench.newDataset(), source: join(bench.folder, 'pictures') });
  const seen = new Set<number>();
  for await (const _ of bench.watch(job_id)) seen.add((await countWritten(bench.store, 5000)).vectors);
  expect([...seen].filter((vectors) => vectors > 0 && vectors < PICTURES).length).toBeGreaterThan(0);

  const text = new TextDecoder().decode((await api.get('/metrics')).bytes);
  expect(text).toContain(`plimsoll_written{item="sample"} ${PICTURES}`);
  expect(text).toContain('plimsoll_jobs{state="completed"} 1\n');
  expect(text).toContain(`plimsoll_written{item="vector"} ${PICTURES}`);
});
