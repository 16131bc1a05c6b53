import { copyFile, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { collectionsOf } from '../../core/store/collections.ts';
import { openStore } from '../../core/store/open.ts';
import { clearRetrying, noteRetrying } from '../../core/store/retried-activities.ts';
import type { Job } from '../../web/src/api/shapes.ts';
import { makePictures } from '../support/pictures.ts';
import { heldAnswers } from './held-answers.ts';
import { datasetOf, openPageStack, type PageStack } from './page-stack.ts';

/** As long as a name may be. */
const LONG_NAME = 'a-dataset-with-a-very-long-name-that-goes-on-to-the-63rd-letter';

let all: PageStack;

beforeAll(async () => {
  all = await openPageStack();
  const few = join(all.sources, 'few');
  const empty = join(all.sources, 'empty');
  const wordy = join(all.sources, 'wordy');
  await Promise.all([makePictures(few, 8), mkdir(empty), mkdir(wordy)]);
  await writeFile(join(wordy, 'read-me.txt'), 'no picture');
  await all.load(LONG_NAME, few);
  const flawed = join(all.sources, 'flawed');
  const [first] = await makePictures(flawed, 12);
  const whole = await readFile(first as string);
  await writeFile(join(flawed, 'cut.jpg'), whole.subarray(0, whole.length * 0.7));
  await writeFile(join(flawed, 'words.jpg'), 'no picture at all');
  await all.load('flawed', flawed);
  await all.load('empty', empty);
  await all.load('wordy', wordy, { media: 'image' });
}, 120_000);

afterEach(async () => {
  for (const context of all.browser.contexts()) await context.close();
  expect(all.complaints.splice(0)).toEqual([]);
});

afterAll(() => all?.stop(), 60_000);

const boxOf = async (locator: Locator) => {
  const box = await locator.boundingBox();
  if (box === null) throw new Error('It does not show.');
  return box;
};

test('a long name leaves the badge of its card in sight, and each of eight samples has one place at most on the cover', async () => {
  const page = await all.open('/datasets', { viewport: { width: 360, height: 740 } });
  const card = page.locator('li.card', { hasText: LONG_NAME });
  const [outer, badge] = [await boxOf(card), await boxOf(card.getByText('Ready'))];
  expect(badge.x + badge.width).toBeLessThan(outer.x + outer.width);
  await expect.poll(() => card.locator('img').count()).toBe(6);
  const sources = await card.locator('img').evaluateAll((imgs: { src: string }[]) => imgs.map(({ src }) => src));
  expect(new Set(sources).size).toBe(6);
});

describe('a dataset without samples', () => {
  test('whose only load found no image says that it failed, and why', async () => {
    const page = await all.open('/datasets');
    const card = page.locator('li.card').filter({ has: page.getByRole('heading', { name: 'wordy', exact: true }) });
    await card.getByText('Load failed', { exact: true }).waitFor();
    await card.getByText('0 samples').waitFor();
    await card.getByRole('link', { name: 'wordy' }).click();
    await page.getByText('Load failed', { exact: true }).waitFor();
    await page.getByText('There is no image in').waitFor();
    await page.getByText('Its load failed before there was a sample.').waitFor();
    expect(await page.getByText('Waiting', { exact: true }).count()).toBe(0);
  });
});

describe('what failed to index and what failed to embed', () => {
  const cardOf = (page: Page) =>
    page.locator('li.card').filter({ has: page.getByRole('heading', { name: 'flawed', exact: true }) });
  const WORDS = ['1 failed to index', '1 failed to embed'] as const;

  test('are told apart, in the same numbers everywhere, and lead to their samples', async () => {
    const page = await all.open('/datasets');
    for (const words of WORDS) await cardOf(page).getByText(words).waitFor();
    await page.goto('/datasets/flawed');
    for (const [words, path] of [
      [WORDS[0], 'flawed/words.jpg'],
      [WORDS[1], 'flawed/cut.jpg'],
    ] as const) {
      await page.getByRole('link', { name: words }).click();
      await page.locator('footer .path', { hasText: path }).waitFor();
      await page.locator('footer .where', { hasText: 'of 1' }).waitFor();
      await page
        .getByLabel('Status')
        .locator('option:checked', { hasText: words.slice(2) })
        .waitFor({ state: 'attached' });
    }
    await page.goto('/jobs');
    const row = page
      .getByRole('listitem')
      .filter({ has: page.getByRole('link', { name: 'flawed', exact: true }) })
      .last();
    for (const words of WORDS) await row.getByText(words, { exact: true }).waitFor();
    await row.getByRole('link', { name: 'flawed' }).click();
    await page.getByRole('heading', { name: '2 failures: 1 failed to index, 1 failed to embed' }).waitFor();
    await page.getByRole('link', { name: 'Failed to embed 1' }).waitFor();
    await page.getByRole('link', { name: 'Not an image 1' }).click();
    await page.waitForURL('**/datasets/flawed?error=not_an_image');
  });

  test('leave the bar green when they alone were tried again', async () => {
    await all.load('flawed', join(all.sources, 'flawed'));
    const page = await all.open('/datasets/flawed');
    await page.getByText('Ready', { exact: true }).waitFor();
    const bar = page.getByRole('progressbar', { name: 'Embedding of flawed' });
    await expect.poll(() => bar.getAttribute('aria-valuetext')).toBe('none of 1 sample. 1 failed');
    const [whole, lost] = [await boxOf(bar), await boxOf(bar.locator('.lost'))];
    expect(lost.width / whole.width).toBeCloseTo(1 / 14, 1);
  });
});

test('a job tells what is retried, since when and why, until that goes well', async () => {
  const { job_id } = await all.post<{ job_id: string }>('/api/loads', {
    dataset: 'retried',
    source: join(all.sources, 'few'),
    embed_task_queue: 'nobody',
  });
  // From then on nothing else writes the record.
  await expect
    .poll(async () => (await all.get<Job>(`/api/jobs/${job_id}`)).phases.embedding.waiting_for?.reason)
    .toBe('worker');
  const store = openStore(all.stack.mongodbUri);
  const retried = { jobId: job_id, key: 'a', timeoutMS: 10_000 };
  const error = { code: 'MongoServerError', message: 'BSONObj size is invalid' };
  await noteRetrying(store, retried, { activity: 'noteWaiting', attempt: 4, since: new Date(), error });
  const page = await all.open(`/jobs/${job_id}`);
  const note = page.getByRole('note').filter({ hasText: 'noteWaiting is being retried' });
  await expect
    .poll(() => note.innerText())
    .toMatch(/Attempt 4, since just now\. MongoServerError: BSONObj size is invalid$/);
  await clearRetrying(store, retried);
  await note.waitFor({ state: 'detached' });
  await store.close();
  await all.ask(`/api/jobs/${job_id}/cancel`, { method: 'POST' });
});

describe('a dataset that is not there', () => {
  test('says to who comes by its address why its load failed', async () => {
    const page = await all.open('/datasets/empty');
    await page.getByRole('heading', { name: 'The load of empty failed' }).waitFor();
    await page.getByText('SourceEmpty').waitFor();
  });

  test('says when it was deleted, or that nothing is known of it', async () => {
    await all.load('brief', join(all.sources, 'few'), { embed: false });
    const { job_id } = await all.ask<{ job_id: string }>('/api/datasets/brief', { method: 'DELETE' });
    await all.get(`/api/jobs/${job_id}/wait?timeout=30`);
    const page = await all.open('/datasets/brief');
    await page.getByText('It was deleted just now.').waitFor();
    await page.goto('/datasets/never');
    await page.getByText('It was deleted, or never loaded.').waitFor();
  });
});

describe('a file that shows no picture', () => {
  test('outside the source roots is said to be, in its tile and by itself', async () => {
    const linked = join(all.sources, 'linked');
    const [outside] = await makePictures(join(all.sources, '..', 'outside'), 1);
    await makePictures(linked, 1, { first: 1 });
    await symlink(outside as string, join(linked, 'a-link.jpg'));
    await all.load('linked', linked, { embed: false });
    const page = await all.open('/datasets/linked');
    const tile = page.getByRole('gridcell', { name: 'a-link.jpg' });
    await tile.getByText('Outside the source roots').waitFor();
    await tile.click();
    await page.getByText('add its folder to PLIMSOLL_SOURCE_ROOTS').waitFor();
    // The page asks again by itself, also for the tile below.
    await rm(join(linked, 'a-link.jpg'));
    await copyFile(outside as string, join(linked, 'a-link.jpg'));
    await page.getByRole('img', { name: 'linked/a-link.jpg' }).waitFor();
    await page.keyboard.press('Escape');
    await tile.locator('img.there').waitFor();
  });

  test('as it is missing is said to be, and no picture of it is asked for', async () => {
    const leaving = join(all.sources, 'leaving');
    const [left] = await makePictures(leaving, 2);
    await all.load('leaving', leaving, { embed: false });
    await rm(left as string);
    await all.load('leaving', leaving, { embed: false });
    const page = await all.open('about:blank');
    const asked: string[] = [];
    page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    await page.goto('/datasets/leaving');
    await page.locator('[data-seq="0"]').getByText('Missing', { exact: true }).waitFor();
    await page.locator('[data-seq="1"] img.there').waitFor({ timeout: 20_000 });
    expect(asked).toContain('/api/datasets/leaving/samples/1/thumbnail');
    expect(asked).not.toContain('/api/datasets/leaving/samples/0/thumbnail');
  });
});

test('a server that answers with a fault is not said to be getting ready', async () => {
  const page = await all.open('about:blank');
  await page.route('**/api/events*', (route) =>
    route.fulfill({ status: 500, contentType: 'application/problem+json', body: '{"detail":"Out of order."}' }),
  );
  await page.goto('/datasets');
  await page.getByText('The server has a fault.').waitFor();
  await page.getByText('Out of order.').waitFor();
  expect(await page.getByText('Not ready yet.').count()).toBe(0);
});

describe('the menu of a dataset', () => {
  test('names the schedules that a deletion would pause', async () => {
    const load = { dataset: 'flawed', source: join(all.sources, 'flawed') };
    for (const name of ['hourly', 'weekly']) await all.post('/api/schedules', { name, load, every_seconds: 3600 });
    const page = await all.open('/datasets/flawed');
    await page.getByLabel('More actions').click();
    await page.getByRole('button', { name: 'Delete dataset…' }).click();
    await page.getByRole('dialog').getByText('The schedules hourly and weekly load it, and are paused.').waitFor();
    await page.getByRole('button', { name: 'Back' }).click();
    // It was only asked about.
    expect((await all.get<{ deleting: boolean }>('/api/datasets/flawed')).deleting).toBe(false);
  });

  test('follows a folder that moved, and forgets one', async () => {
    const [from, to] = ['here', 'there'].map((name) => join(all.sources, name)) as [string, string];
    await makePictures(from, 2);
    await all.load('moved', from);
    await rename(from, to);
    const page = await all.open('/datasets/moved');
    // The file is gone, and a drawing says so.
    const picture = page.locator('[data-seq="0"] img.there');
    await picture.waitFor();
    const gone = await picture.getAttribute('src');
    const dialog = page.getByRole('dialog');
    const choose = async (item: string) => {
      await page.getByLabel('More actions').click();
      await page.getByRole('button', { name: item }).click();
    };

    await choose('Relocate…');
    await dialog.getByLabel('Moved to').fill(`${all.sources}/`);
    await dialog.getByRole('option', { name: 'there' }).click();
    await dialog.getByRole('button', { name: 'Relocate' }).click();
    await page.getByText('Last relocate').waitFor();
    await expect.poll(() => picture.getAttribute('src')).not.toBe(gone);
    await picture.waitFor();
    expect((await datasetOf(all, 'moved')).sources).toEqual([to]);
    const others = join(all.sources, 'others');
    await makePictures(others, 2, { first: 10 });
    await all.load('moved', others);

    await choose('Forget a folder…');
    await dialog.getByLabel('Folder').selectOption(to);
    await dialog.getByText('2 samples below it are removed').waitFor();
    await dialog.getByRole('button', { name: 'Forget' }).click();
    await page.getByText('Last forget').waitFor();
    // The numbers that were removed leave no empty places before the others.
    await page.getByText('1–2 of 2').waitFor();
    await page.locator('[data-seq="3"] img.there').waitFor();
    expect(await page.getByText('is not there').count()).toBe(0);
    await page.getByText('Last forget').click();
    await page.getByText('2 samples and 2 vectors removed.').waitFor();
    expect((await datasetOf(all, 'moved')).counts.total).toBe(2);
  });

  test('closes on Escape, and is where the focus is again when its dialog goes', async () => {
    const page = await all.open(`/datasets/${LONG_NAME}`);
    const opener = page.getByLabel('More actions');
    const hasFocus = () =>
      opener.evaluate((element: unknown) => (element as { matches(s: string): boolean }).matches(':focus'));
    const item = page.getByRole('button', { name: 'Delete dataset…' });
    await opener.press('Enter');
    await item.waitFor();
    await page.keyboard.press('Escape');
    await item.waitFor({ state: 'hidden' });
    for (const leave of [
      () => page.keyboard.press('Escape'),
      () => page.getByRole('button', { name: 'Back' }).click(),
    ]) {
      await opener.press('Enter');
      await item.press('Enter');
      await page.getByRole('dialog').waitFor();
      await leave();
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await expect.poll(hasFocus).toBe(true);
    }
  });

  test('leaves the selection behind a dialog alone', async () => {
    const page = await all.open(`/datasets/${LONG_NAME}`);
    await page.locator('[data-seq="2"]').click({ modifiers: ['Control'] });
    await page.getByLabel('More actions').press('Enter');
    await page.getByRole('button', { name: 'Delete dataset…' }).click();
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.getByText('1 sample selected').waitFor();
  });
});

test('a prune that a source held up names the source, and what to do about it', async () => {
  const phase = { state: 'skipped', done: 0, failed: 0, total: 0, total_known: true } as const;
  const now = new Date();
  const store = openStore(all.stack.mongodbUri);
  await collectionsOf(store).jobs.insertOne({
    _id: 'b0000000-0000-7000-8000-000000000001',
    kind: 'prune',
    dataset_id: 'flawed',
    workflow_id: 'load-flawed',
    request: { dataset: 'flawed' },
    state: 'completed',
    phases: { indexing: phase, embedding: phase },
    removed: { samples: 1, vectors: 1, kept: 3, unreadable_folders: ['/mnt/away'] },
    started_at: now,
    finished_at: now,
  });
  await store.close();

  const page = await all.open('/jobs/b0000000-0000-7000-8000-000000000001');

  await page.getByText('1 sample and 1 vector removed. 3 samples kept.').waitFor();
  await page.getByText("choose “Relocate…” in the dataset's menu").waitFor();
  await page.getByText('/mnt/away').waitFor();
});

test('tags that could not be set stay in their field', async () => {
  const page = await all.open(`/datasets/${LONG_NAME}`);
  await page.locator('[data-seq="2"]').click({ modifiers: ['Control'] });
  const field = page.getByPlaceholder('Tag…');
  await page.route('**/tags', (route) => (route.request().method() === 'POST' ? route.abort() : route.fallback()));
  await field.fill('kept');
  await page.getByRole('button', { name: 'Add tag' }).click();
  await page.locator('p', { hasText: 'The server does not answer.' }).first().waitFor();
  expect(await field.inputValue()).toBe('kept');
  await page.unroute('**/tags');
  await page.getByRole('button', { name: 'Add tag' }).click();
  await page.getByText('1 sample has changed.').first().waitFor();
  await expect.poll(() => field.inputValue()).toBe('');
});

test.each(['the grid', 'a sample'])('%s that is left while tags are set asks for nothing more', async (view) => {
  const page = await all.open(view === 'the grid' ? `/datasets/${LONG_NAME}` : `/datasets/${LONG_NAME}/samples/3`);
  if (view === 'the grid') await page.locator('[data-seq="3"]').click({ modifiers: ['Control'] });
  await page.getByPlaceholder(view === 'the grid' ? 'Tag…' : 'Add a tag').fill(`left ${view}`);
  const answers = await heldAnswers(page, (url, method) => url.pathname.endsWith('/tags') && method === 'POST');
  await page.getByRole('button', { name: view === 'the grid' ? 'Add tag' : 'Add', exact: true }).click();
  await answers.waiting(1);
  await page.getByRole('link', { name: 'Schedules' }).click();
  await page.getByRole('heading', { name: 'Schedules' }).waitFor();
  const asked: string[] = [];
  page.on('request', (request) => asked.push(new URL(request.url()).pathname));
  await answers.give();
  // What the view would have asked for is on its way before this answer is there.
  await page.getByRole('link', { name: 'Jobs' }).click();
  await page.getByRole('heading', { name: 'Jobs' }).waitFor();
  expect(asked.filter((path) => path.endsWith('/tags'))).toEqual([]);
});

test('a grid that is left while its samples are read asks for none again', async () => {
  const page = await all.open('/schedules');
  const answers = await heldAnswers(page, ({ pathname }) => pathname === `/api/datasets/${LONG_NAME}/samples`);
  await page.evaluate(
    `history.pushState(null, '', '/datasets/${LONG_NAME}'); dispatchEvent(new PopStateEvent('popstate'))`,
  );
  await answers.waiting(1);
  await page.getByRole('link', { name: 'Jobs' }).click();
  await page.getByRole('heading', { name: 'Jobs' }).waitFor();
  await answers.give();
  await answers.waiting(1);
});

test('samples that change while they are read are read again', async () => {
  const page = await all.open('/schedules');
  const answers = await heldAnswers(page, ({ pathname }) => pathname === '/api/datasets/flawed/samples');
  await page.evaluate("history.pushState(null, '', '/datasets/flawed'); dispatchEvent(new PopStateEvent('popstate'))");
  await answers.waiting(1);
  await all.post('/api/datasets/flawed/tags', { seqs: [0], add: ['later'], remove: [] });
  const heard = page.waitForResponse((response) => new URL(response.url()).pathname === '/api/datasets/flawed/tags');
  await all.load('flawed', join(all.sources, 'flawed'), { embed: false });
  await heard;
  // What is shown is read again a moment after a job has changed. Nothing tells of it while an answer is on its way.
  await page.waitForTimeout(800);
  await answers.give();
  await page.locator('[data-seq="0"]').getByText('tagged later').waitFor({ state: 'attached' });
  await all.post('/api/datasets/flawed/tags', { seqs: [0], add: [], remove: ['later'] });
});

test('older jobs that could not be read are said to be missing', async () => {
  const page = await all.open('/jobs');
  await page.route('**/api/jobs?*', async (route) => {
    if (route.request().url().includes('cursor=')) return route.abort();
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...(await response.json()), next: 'more' } });
  });
  await page.reload();
  await page.getByRole('button', { name: 'Show older jobs' }).click();
  await page.locator('p', { hasText: 'The server does not answer.' }).first().waitFor();
  await page.getByRole('button', { name: 'Show older jobs' }).waitFor();
});

test('an address that leads nowhere is in no area of the page', async () => {
  const page = await all.open('/jobs/a/b');
  await page.getByRole('heading', { name: 'There is nothing here' }).waitFor();
  expect(await page.locator('nav [aria-current]').count()).toBe(0);
});
