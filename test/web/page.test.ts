import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MongoClient, ObjectId } from 'mongodb';
import type { Locator, Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { settingsFrom } from '../../api/settings.ts';
import { type RunningApi, startApi } from '../../api/start-server.ts';
import { createToken } from '../../core/api-tokens.ts';
import { buildWeb } from '../../scripts/build-web.ts';
import type { Job, Sample } from '../../web/src/api/shapes.ts';
import { makeManyFiles } from '../support/many-files.ts';
import { makePictures } from '../support/pictures.ts';
import { faultsOf, LOOKS, type View } from './looks.ts';
import { datasetOf, openPageStack, type PageStack, samplesOf } from './page-stack.ts';

const EXAMPLES = join(process.cwd(), 'examples/images');
const EXAMPLE_COUNT = 54;
/** Enough that indexing goes on for seconds after its first page is there. */
const MANY = 12_000;

let all: PageStack;
let failing: Job;

beforeAll(async () => {
  all = await openPageStack();
  const broken = join(all.sources, 'broken');
  await makePictures(broken, 6);
  const { writeFile } = await import('node:fs/promises');
  await writeFile(join(broken, 'empty.jpg'), '');
  await writeFile(join(broken, 'words.jpg'), 'no picture at all');
  const [, load] = await Promise.all([all.load('pictures', EXAMPLES), all.load('broken', broken)]);
  failing = load;
});

afterEach(async () => {
  for (const context of all.browser.contexts()) {
    // Nothing answers the requests that a page sends as it closes.
    await context.unrouteAll({ behavior: 'ignoreErrors' });
    for (const page of context.pages()) await page.unrouteAll({ behavior: 'ignoreErrors' });
    await context.close();
  }
  expect(all.complaints.splice(0)).toEqual([]);
});

afterAll(() => all?.stop());

const bar = (page: Page, phase: string, dataset: string) =>
  page.getByRole('progressbar', { name: `${phase} of ${dataset}` });
const tile = (page: Page, seq: number) => page.locator(`[data-seq="${seq}"]`);
/** Resolves when a tile's picture is there. */
const pictureAt = (page: Page, seq: number) => tile(page, seq).locator('img.there').waitFor();
/** The tests are checked without the browser's types: this is what they need of them. */
interface Scrollable {
  scrollTop: number;
  scrollHeight: number;
  clientHeight: number;
}
const scrollTopOf = (grid: Locator) => grid.evaluate((element: unknown) => (element as Scrollable).scrollTop);
const where = (page: Page) => page.locator('footer .where').innerText();

describe('a load', () => {
  test('is started from the page, and its pictures are there before indexing ends', async () => {
    await makeManyFiles(join(all.sources, 'many'), MANY);
    const page = await all.open('/loads/new');
    await page.getByRole('combobox', { name: 'Folder' }).fill(`${all.sources}/`);
    await page.getByRole('option', { name: 'many', exact: true }).click();
    await page.getByLabel('Model').selectOption('none');
    expect(await page.getByRole('textbox', { name: 'Dataset' }).inputValue()).toBe('many');
    await page.getByRole('button', { name: 'Start loading' }).click();

    // The worker is stopped during its first page, so the checks below run before the load ends.
    const worker = all.stack.members['worker-indexing']?.pid as number;
    while ((await samplesOf(all, 'many')).length === 0);
    process.kill(-worker, 'SIGSTOP');
    try {
      await page.waitForURL('**/datasets/many');
      const [load] = (await all.get<{ jobs: Job[] }>('/api/jobs?dataset=many')).jobs;
      expect(load?.phases.indexing.state).toBe('running');
      await pictureAt(page, 0);
      await page.getByText('Browsable', { exact: true }).waitFor();
    } finally {
      process.kill(-worker, 'SIGCONT');
    }
    await page.getByText('Completed', { exact: true }).waitFor();
    await page.getByText(`of ${MANY.toLocaleString('en-US')}`, { exact: false }).waitFor();
  });

  test('that is canceled while it indexes shows the same counts everywhere, at every moment', async () => {
    await makeManyFiles(join(all.sources, 'stopped'), MANY);
    const { job_id } = await all.post<{ job_id: string }>('/api/loads', {
      dataset: 'stopped',
      source: join(all.sources, 'stopped'),
      model: 'none',
    });
    const page = await all.open('/datasets/stopped');
    await tile(page, 0).waitFor();
    // All that is on show in a frame: the count above, the places, and what the footer says of both.
    await page.evaluate(`(() => {
      const numberIn = (text, after) => Number((text.match(after)?.[1] ?? '0').replaceAll(',', ''));
      globalThis.seen = new Set();
      (function look() {
        const head = document.querySelector('.counts span')?.textContent ?? '';
        const footer = document.querySelector('footer .where')?.textContent ?? '';
        const grid = document.querySelector('[role=grid]');
        if (grid && footer.includes(' of ')) globalThis.seen.add([
          numberIn(head, /^([\\d,]+)/),
          numberIn(footer, / of ([\\d,]+)/) - numberIn(footer, /· ([\\d,]+) places?/),
          Math.ceil(numberIn(footer, / of ([\\d,]+)/) / grid.ariaColCount) - grid.ariaRowCount,
        ].join(' '));
        requestAnimationFrame(look);
      })();
    })()`);
    await all.post(`/api/jobs/${job_id}/cancel`, {});
    await page.getByText('Canceled', { exact: true }).waitFor();
    const { counts } = await datasetOf(all, 'stopped');
    await page.getByText(`${counts.total.toLocaleString('en-US')} samples`, { exact: true }).waitFor();
    const seen = await page.evaluate<string[]>('[...globalThis.seen]');
    expect(seen.length).toBeGreaterThan(0);
    for (const [head, footer, rows] of seen.map((each) => each.split(' ').map(Number))) {
      expect(footer).toBe(head);
      expect(rows).toBe(0);
    }
    await expect.poll(() => where(page)).toContain(counts.total.toLocaleString('en-US'));
  });

  test('shows both phases until they are complete, and the dataset is ready', async () => {
    await makePictures(join(all.sources, 'small'), 400);
    const page = await all.open('/loads/new');
    await page.getByRole('combobox', { name: 'Folder' }).fill(join(all.sources, 'small'));
    await page.getByRole('button', { name: 'Start loading' }).click();
    await page.waitForURL('**/datasets/small');
    await page.getByText('Ready', { exact: true }).waitFor();
    await expect.poll(() => bar(page, 'Indexing', 'small').getAttribute('aria-valuenow')).toBe('100');
    await expect.poll(() => bar(page, 'Embedding', 'small').getAttribute('aria-valuetext')).toBe('400 samples');
    await page.getByText('Load of small completed.').waitFor({ state: 'attached' });
  });

  test('says in the form what is wrong with it', async () => {
    const page = await all.open('/loads/new');
    await page.getByRole('combobox', { name: 'Folder' }).fill('/etc');
    await page.getByRole('button', { name: 'Start loading' }).click();
    await page.getByRole('alert').waitFor();
    await page.getByRole('combobox', { name: 'Folder' }).fill(EXAMPLES);
    await page.getByRole('textbox', { name: 'Dataset' }).fill('Not A Name');
    await page.getByRole('button', { name: 'Start loading' }).click();
    await page.getByText('must begin with a-z or 0-9').first().waitFor();
  });

  test('is made again from its job or its dataset, as it was or otherwise', async () => {
    const page = await all.open(`/jobs/${failing.job_id}`);
    await page.getByRole('link', { name: 'Load again' }).click();
    const folder = page.getByRole('combobox', { name: 'Folder' });
    expect(await folder.inputValue()).toBe(join(all.sources, 'broken'));
    await folder.fill(`${all.sources}/gone`);
    await page.getByRole('button', { name: 'Start loading' }).click();
    await page.getByText(`There is no folder ${all.sources}/gone that can be read.`).first().waitFor();
    expect(await page.getByRole('textbox', { name: 'Dataset' }).inputValue()).toBe('broken');

    await page.goto('/datasets/pictures');
    await page.getByLabel('More actions').click();
    await page.getByRole('link', { name: 'Load again…' }).click();
    await page.getByRole('button', { name: 'Start loading' }).click();
    await page.waitForURL('**/datasets/pictures');
    const [again] = (await all.get<{ jobs: Job[] }>('/api/jobs?dataset=pictures&kind=load')).jobs;
    expect(again?.request).toMatchObject({ source: EXAMPLES, dataset: 'pictures' });
  });

  test('keeps the focus when one leaves the list of folders by Tab', async () => {
    // So many that the list scrolls.
    const folders = join(all.sources, 'folders');
    for (let n = 0; n < 12; n++) await mkdir(join(folders, String(n)), { recursive: true });
    const page = await all.open('/loads/new');
    await page.getByRole('combobox', { name: 'Folder' }).fill(`${folders}/`);
    await page.getByRole('option', { name: '11', exact: true }).waitFor();
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.id')).toBe('dataset');
  });

  test('says in the form what webhooks need, and what failed where the worker has no secret', async () => {
    const page = await all.open('/loads/new');
    await page.getByRole('combobox', { name: 'Folder' }).fill(EXAMPLES);
    await page.getByRole('textbox', { name: 'Dataset' }).fill('unsigned');
    await page.getByText('Options').click();
    await page.getByText('the worker needs the secret default').waitFor();
    await page.getByLabel('Webhooks').fill('https://hooks.example.com/plimsoll');
    await page.getByRole('button', { name: 'Start loading' }).click();
    await page.waitForURL('**/datasets/unsigned');
    await page.getByText('The load of unsigned failed').waitFor();
    await page.getByText('UnknownWebhookSecret').waitFor();
    await page.getByRole('link', { name: 'See the job' }).click();
    await page.getByText('UnknownWebhookSecret').waitFor();
  });

  test('is paused, resumed and canceled from its page', async () => {
    await makePictures(join(all.sources, 'long'), 4);
    const { job_id } = await all.post<{ job_id: string }>('/api/loads', {
      dataset: 'long',
      source: join(all.sources, 'long'),
      // The time is far away, so the second phase cannot end before the pause.
      embed_at: '2099-01-01T00:00:00Z',
    });
    const page = await all.open(`/jobs/${job_id}`);
    await page.getByText('Waiting until').waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('Paused', { exact: true }).first().waitFor();
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('button', { name: 'Pause' }).waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Keep it running' }).click();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Cancel the job' }).click();
    await page.getByText('Canceled', { exact: true }).first().waitFor();
    await expect.poll(async () => (await all.get<Job>(`/api/jobs/${job_id}`)).state).toBe('canceled');
  });

  test('stands as was heard last, though an older answer comes later', async () => {
    await makePictures(join(all.sources, 'heard'), 4);
    const { job_id } = await all.post<{ job_id: string }>('/api/loads', {
      dataset: 'heard',
      source: join(all.sources, 'heard'),
      embed_at: '2099-01-01T00:00:00Z',
    });
    const page = await all.open('/jobs');
    await page.getByRole('link', { name: 'heard', exact: true }).waitFor();
    let pause = () => {};
    const paused = new Promise<void>((resolve) => {
      pause = resolve;
    });
    let asked = () => {};
    const underWay = new Promise<void>((resolve) => {
      asked = resolve;
    });
    await page.route(`**/api/jobs/${job_id}`, async (route) => {
      const response = await route.fetch();
      asked();
      await paused;
      await route.fulfill({ response });
    });
    const answered = page.waitForResponse(`**/api/jobs/${job_id}`);
    await page.getByRole('link', { name: 'heard', exact: true }).click();
    await page.waitForURL(`**/jobs/${job_id}`);
    await underWay;
    await all.post(`/api/jobs/${job_id}/pause`, {});
    await page.getByRole('button', { name: 'Resume' }).waitFor();
    pause();
    await (await answered).finished();
    await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
    expect(await page.getByRole('button', { name: 'Resume' }).count()).toBe(1);
    await all.post(`/api/jobs/${job_id}/cancel`, {});
  });

  test('tells which files failed and why, and is retried', async () => {
    const page = await all.open(`/jobs/${failing.job_id}`);
    await page.getByRole('heading', { name: '2 failed to index' }).waitFor();
    await page.getByRole('link', { name: 'broken/empty.jpg' }).waitFor();
    await page.getByText('the file is empty').waitFor();
    // The same bytes would fail again.
    await page.getByRole('link', { name: 'Load again' }).waitFor();
    expect(await page.getByRole('button', { name: 'Retry failed' }).count()).toBe(0);

    await page.route(`**/api/jobs/${failing.job_id}`, async (route) => {
      const response = await route.fetch();
      const job: Job = await response.json();
      const indexing = { ...job.phases.indexing, failures: { empty_file: 1, io_error: 1 } };
      await route.fulfill({ response, json: { ...job, phases: { ...job.phases, indexing } } });
    });
    await page.reload();
    await page.getByRole('button', { name: 'Retry failed' }).click();
    await page.getByText('Jobs / Retry').waitFor();
    expect(page.url()).not.toContain(failing.job_id);
    await page.getByText('Completed', { exact: true }).waitFor();
  });

  test('is in the list, which can be narrowed', async () => {
    const page = await all.open('/jobs');
    const pictures = page.getByRole('link', { name: 'pictures', exact: true });
    await pictures.first().waitFor();
    await page.getByLabel('Kind').selectOption('retry');
    await page.waitForURL('**/jobs?kind=retry');
    await expect.poll(() => pictures.count()).toBe(0);
  });
});

describe('the samples of a dataset', () => {
  test('are filtered, and the filter is in the address', async () => {
    const page = await all.open('/datasets/pictures');
    await tile(page, 0).waitFor();
    await page.getByLabel('Format').selectOption('tiff');
    await page.waitForURL('**/datasets/pictures?format=tiff');
    await expect.poll(() => where(page)).toBe('1–2 of 2');
    await page.getByLabel('Search in paths').fill('snow');
    await page.waitForURL('**/datasets/pictures?format=tiff&q=snow');
    await expect.poll(() => where(page)).toBe('1–1 of 1');
    await page.reload();
    await expect.poll(() => where(page)).toBe('1–1 of 1');
    expect(await page.getByLabel('Search in paths').inputValue()).toBe('snow');
    await page.getByLabel('Search in paths').fill('nothing like it');
    await page.getByText('Nothing matches').waitFor();
    await page.getByRole('button', { name: 'Clear' }).click();
    await expect.poll(() => where(page)).toContain(`of ${EXAMPLE_COUNT}`);
  });

  test('are opened by keys, gone through, and left for the same place', async () => {
    const page = await all.open('/datasets/pictures', { viewport: { width: 900, height: 560 } });
    await tile(page, 0).waitFor();
    // The last job's bars appear above the grid and take room from it.
    await bar(page, 'Embedding', 'pictures').waitFor();
    // So does the line that says how to search by words.
    await page.getByText('Search by words:').waitFor();
    const grid = page.getByRole('grid');
    await grid.focus();
    await page.keyboard.press('End');
    await tile(page, EXAMPLE_COUNT - 1).waitFor();
    const scrolled = await scrollTopOf(grid);
    expect(scrolled).toBeGreaterThan(0);
    await page.keyboard.press('Enter');
    await page.waitForURL(`**/samples/${EXAMPLE_COUNT - 1}`);
    await page.getByRole('heading', { level: 1, name: 'sunset.jpg' }).waitFor();
    await page.keyboard.press('ArrowLeft');
    await page.waitForURL(`**/samples/${EXAMPLE_COUNT - 2}`);
    await page.getByRole('heading', { level: 1, name: 'storm.jpg' }).waitFor();
    await page.keyboard.press('Escape');
    await page.waitForURL('**/datasets/pictures');
    expect(await scrollTopOf(grid)).toBe(scrolled);
    expect(await grid.getAttribute('aria-activedescendant')).toBe(`place-${EXAMPLE_COUNT - 2}`);
  });

  test('stay where one is when the bars of a job come in above them', async () => {
    const page = await all.open('/datasets', { viewport: { width: 900, height: 480 } });
    let answer = () => {};
    const asked = new Promise<void>((resolve) => {
      answer = resolve;
    });
    await page.route('**/api/jobs/*', async (route) => {
      await asked;
      await route.continue();
    });
    await page.getByRole('link', { name: 'pictures', exact: true }).click();
    await tile(page, 0).waitFor();
    const grid = page.getByRole('grid');
    await grid.focus();
    await page.keyboard.press('End');
    const last = tile(page, EXAMPLE_COUNT - 1);
    await last.waitFor();
    const before = await grid.boundingBox();
    answer();
    await bar(page, 'Embedding', 'pictures').waitFor();
    await expect.poll(async () => (await grid.boundingBox())?.height).toBeLessThan(before?.height ?? 0);
    const floorOf = async (box: Locator) => {
      const { y, height } = (await box.boundingBox()) ?? { y: 0, height: 0 };
      return Math.round(y + height);
    };
    await expect.poll(async () => (await floorOf(last)) <= (await floorOf(grid))).toBe(true);
  });

  test('have addresses of their own that can be reloaded, with a filter too', async () => {
    const page = await all.open('/datasets/pictures/samples/20?format=png');
    await page.getByRole('heading', { level: 1, name: 'apple.png' }).waitFor();
    await page.reload();
    await page.getByRole('heading', { level: 1, name: 'apple.png' }).waitFor();
    const neighbors = await all.get<{ next: Sample }>('/api/datasets/pictures/samples/20/neighbors?format=png');
    await page.getByRole('button', { name: 'Next sample' }).click();
    await page.waitForURL(`**/datasets/pictures/samples/${neighbors.next.seq}?format=png`);
    await page.keyboard.press('Escape');
    await page.waitForURL('**/datasets/pictures?format=png');
    await tile(page, 20).waitFor();
  });

  test('are tagged together, and found by their tag', async () => {
    const page = await all.open('/datasets/pictures');
    // The last job's bars appear above the tiles and move them.
    await bar(page, 'Embedding', 'pictures').waitFor();
    await tile(page, 2).locator('.box').click({ force: true });
    await tile(page, 5).click({ modifiers: ['Shift'] });
    await page.getByText('4 samples selected').waitFor();
    await page.getByLabel('Tags, separated by commas').fill('evening');
    await page.getByRole('button', { name: 'Add tag' }).click();
    await page.getByText('4 samples have changed.').first().waitFor();
    await page.getByLabel('Tag', { exact: true }).selectOption('evening');
    await expect.poll(() => where(page)).toBe('1–4 of 4');
    await page.keyboard.press('Control+a');
    await page.getByText('All that match are selected').waitFor();
    await page.getByLabel('Tags, separated by commas').fill('evening');
    await page.getByRole('button', { name: 'Remove', exact: true }).click();
    await page.getByText('Nothing matches').waitFor();
  });

  test('are found by several tags at once: one and another, one or another, and without one', async () => {
    const tag = (add: string[], seqs: number[]) => all.post('/api/datasets/pictures/tags', { add, seqs });
    await tag(['red'], [10, 11, 12]);
    await tag(['blue'], [11, 12, 13]);
    const page = await all.open('/datasets/pictures');
    await page.getByText('Size, tags and folder').click();
    const asked = (name: string) => page.getByLabel(`A sample and the tag ${name}`, { exact: true });
    await asked('red').selectOption('has it');
    await asked('blue').selectOption('has it');
    await page.waitForURL('**/datasets/pictures?tags_all=red&tags_all=blue');
    await expect.poll(() => where(page)).toBe('1–2 of 2');
    await asked('blue').selectOption('does not have it');
    await expect.poll(() => where(page)).toBe('1–1 of 1');
    await asked('red').selectOption('has it or another');
    await asked('blue').selectOption('has it or another');
    await expect.poll(() => where(page)).toBe('1–4 of 4');
    await page.reload();
    await expect.poll(() => where(page)).toBe('1–4 of 4');
    await all.post('/api/datasets/pictures/tags', { remove: ['red', 'blue'], seqs: [10, 11, 12, 13] });
  });

  test('are shown in another order, and gone through in it', async () => {
    const page = await all.open('/datasets/pictures');
    await page.getByLabel('Order', { exact: true }).selectOption('Largest file first');
    await page.waitForURL('**/datasets/pictures?sort=-size');
    const { samples } = await all.get<{ samples: Sample[] }>('/api/datasets/pictures/samples?limit=54');
    const [largest, second] = [...samples].sort((a, b) => b.size_bytes - a.size_bytes);
    const first = page.locator('[data-place="0"]');
    await expect.poll(() => first.getAttribute('data-seq')).toBe(String(largest?.seq));
    await expect.poll(() => where(page)).toContain(`of ${EXAMPLE_COUNT}`);
    await first.click();
    await page.waitForURL(`**/samples/${largest?.seq}?sort=-size`);
    await page.keyboard.press('ArrowRight');
    await page.waitForURL(`**/samples/${second?.seq}?sort=-size`);
    await page.keyboard.press('Escape');
    await page.waitForURL('**/datasets/pictures?sort=-size');
  });

  test('that could not be read or drawn are asked for again', async () => {
    const page = await all.open('about:blank');
    await page.clock.install();
    await page.goto('/jobs');
    await page.getByRole('link', { name: 'pictures', exact: true }).first().waitFor();
    let asked = 0;
    const no = (detail: string) => ({ contentType: 'application/problem+json', body: JSON.stringify({ detail }) });
    await page.route('**/thumbnail?*', (route) => route.fulfill({ ...no('Out of order.'), status: 503 }));
    await page.route('**/samples?*', (route) => {
      asked += 1;
      return route.fulfill({ ...no(`Out of order, answer ${asked}.`), status: 500 });
    });
    await page.getByRole('link', { name: 'Datasets', exact: true }).first().click();
    await page.getByRole('link', { name: 'pictures', exact: true }).click();
    await bar(page, 'Embedding', 'pictures').waitFor();
    const refusal = page.getByText('Some samples could not be read. Out of order');
    await refusal.waitFor();
    const showsTheLatest = async () => (await refusal.innerText()).includes(`answer ${asked}.`);
    // The page also asks again by itself, but not while its clock stands still. The button sends all requests then.
    await page.clock.pauseAt(Date.now() + 1000);
    await expect.poll(showsTheLatest).toBe(true);
    const before = asked;
    const again = page.getByRole('button', { name: 'Try again' });
    await again.click();
    await expect.poll(() => asked).toBeGreaterThan(before);
    await expect.poll(showsTheLatest).toBe(true);
    await page.unroute('**/samples?*');
    await again.click();
    await refusal.waitFor({ state: 'detached' });
    await page.clock.resume();
    await tile(page, 0).getByText('No picture').waitFor();
    await page.unroute('**/thumbnail?*');
    await pictureAt(page, 0);
  });

  test('that match are each there once, after a reading anew that failed half-way', async () => {
    await writeSparseDataset('again', 1_000_000);
    const page = await all.open('/datasets/again?status=indexed');
    const grid = page.getByRole('grid');
    await tile(page, 0).waitFor();
    await grid.focus();
    const countShown = async () => Number((await where(page)).match(/of ([\d,]+)/)?.[1]?.replaceAll(',', ''));
    await expect
      .poll(async () => {
        await page.keyboard.press('End');
        return countShown();
      })
      .toBeGreaterThanOrEqual(600);
    await page.keyboard.press('Home');
    await page.route(/\/samples\?.*after=/, (route) => route.fulfill({ status: 500, body: '{}' }));
    await page.keyboard.press('Space');
    await page.getByLabel('Tags, separated by commas').fill('again');
    // The first page arrives; the next one does not.
    let begun = false;
    const failedHalfway = page.waitForResponse((response) => {
      if (!response.url().includes('/samples?')) return false;
      begun ||= !response.url().includes('after=');
      return begun && response.status() === 500;
    });
    await page.getByRole('button', { name: 'Add tag' }).click();
    await failedHalfway;
    await page.getByText('Some samples could not be read.').waitFor();
    await page.unroute(/\/samples\?.*after=/);
    await grid.focus();
    await page.keyboard.press('Escape');
    await expect
      .poll(async () => {
        await page.keyboard.press('End');
        return where(page);
      })
      .toMatch(/^\S+ of [\d,]+$/);
    expect(await countShown()).toBe(3000);
  });

  test('are shown as large as fits and pixel by pixel, moved about, and tell what the camera wrote', async () => {
    const folder = join(all.sources, 'photos');
    await mkdir(folder);
    const photo = sharp({ create: { width: 2400, height: 1600, channels: 3, background: '#369' } });
    await photo
      .withExif({ IFD0: { Make: 'Canon', Model: 'Canon EOS R5' } })
      .jpeg()
      .toFile(join(folder, 'a.jpg'));
    await photo.clone().resize(60, 40).png().toFile(join(folder, 'b.png'));
    await all.load('photos', folder, { model: 'none' });
    const page = await all.open('/datasets/photos/samples/0');
    const picture = page.getByRole('img', { name: 'photos/a.jpg' });
    const shown = page.getByLabel('Size shown');
    await page.getByText('Canon EOS R5').waitFor();
    await picture.waitFor();
    expect(await picture.getAttribute('src')).toContain('/thumbnail?size=1024');
    const fit = Number.parseInt(await shown.innerText(), 10);
    expect(fit).toBeGreaterThan(20);
    expect(fit).toBeLessThan(60);

    await page.keyboard.press('1');
    await expect.poll(() => shown.innerText()).toBe('100 %');
    await expect.poll(() => picture.getAttribute('src')).toContain('/file?v=');
    await expect
      .poll(() => picture.evaluate((image: unknown) => (image as { naturalWidth: number }).naturalWidth))
      .toBe(2400);
    // The middle stays in the middle.
    const frame = page.getByRole('group', { name: 'Picture', exact: true });
    const places = () => Promise.all([frame.boundingBox(), picture.boundingBox()]);
    const middle = (box: { x: number; width: number } | null) => (box ? box.x + box.width / 2 : Number.NaN);
    const [outer, before] = await places();
    expect(middle(before)).toBeCloseTo(middle(outer), -1);
    await page.mouse.move(middle(outer), 300);
    await page.mouse.down();
    await page.mouse.move(middle(outer) - 80, 300, { steps: 2 });
    await page.mouse.up();
    await expect.poll(async () => middle((await places())[1]) - middle(before)).toBeCloseTo(-80, -1);
    await page.keyboard.press('0');
    await expect.poll(() => shown.innerText()).toBe(`${fit} %`);

    await page.keyboard.press('ArrowRight');
    await page.waitForURL('**/samples/1');
    await expect.poll(() => shown.innerText()).toBe('100 %');
    expect((await page.getByRole('img', { name: 'photos/b.png' }).boundingBox())?.width).toBe(60);
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor({ state: 'detached' });
    expect(page.url()).toContain('/samples/1');
  });

  test('are tagged one by one', async () => {
    const page = await all.open('/datasets/pictures/samples/7');
    await page.getByLabel('Add a tag').waitFor();
    await page.keyboard.press('t');
    await page.keyboard.type('cloth');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Remove the tag cloth' }).click();
    await page.getByRole('button', { name: 'Remove the tag cloth' }).waitFor({ state: 'detached' });
    expect((await all.get<{ sample: Sample }>('/api/datasets/pictures/samples/7')).sample.tags).toEqual([]);
  });

  test('can be a million: one jumps anywhere, and nothing of what lies between is read', async () => {
    const count = 1_000_000;
    await writeSparseDataset('million', count);
    const page = await all.open('/datasets/million');
    await tile(page, 0).waitFor();
    const asked: string[] = [];
    page.on('request', (request) => {
      if (request.url().includes('/samples?')) asked.push(request.url());
    });
    const grid = page.getByRole('grid');
    await grid.evaluate((element: unknown) => {
      const scrollable = element as Scrollable;
      scrollable.scrollTop = (scrollable.scrollHeight - scrollable.clientHeight) / 2;
    });
    await tile(page, count / 2).waitFor();
    const middle = await where(page);
    // A step of the wheel scrolls by a step, not by a part of the scroll bar.
    await grid.hover();
    await page.mouse.wheel(0, 200);
    await expect.poll(() => where(page)).not.toBe(middle);
    const begin = (text: string) => Number(text.split('–')[0]?.replaceAll(',', ''));
    expect(begin(await where(page)) - begin(middle)).toBeLessThan(50);
    await grid.focus();
    await page.keyboard.press('End');
    await tile(page, count - 1).waitFor();
    expect(asked.length).toBeLessThan(10);
    expect(await page.getByRole('gridcell').count()).toBeLessThan(200);
  });

  test('take no more memory after a thousand jumps', async () => {
    await makeManyFiles(join(all.sources, 'leaps'), 600);
    await all.load('leaps', join(all.sources, 'leaps'), { model: 'none' });
    await moveHalf('leaps', 1_000_000);
    const page = await all.open('/datasets/leaps', { viewport: { width: 480, height: 420 } });
    await pictureAt(page, 0);
    await page.getByRole('grid').evaluate((element: unknown) => {
      const scrollable = element as Scrollable;
      scrollable.scrollTop = (scrollable.scrollHeight - scrollable.clientHeight) / 2;
    });
    await pictureAt(page, 500_000);
    const browser = await page.context().newCDPSession(page);
    await browser.send('Performance.enable');
    const memory = async () => {
      await browser.send('HeapProfiler.collectGarbage');
      const { metrics } = await browser.send('Performance.getMetrics');
      const metric = (wanted: string) => metrics.find(({ name }) => name === wanted)?.value ?? Number.NaN;
      return { nodes: metric('Nodes'), heap: metric('JSHeapUsedSize') };
    };
    /** Jumps between places that have pictures and places that have none. */
    const jump = (times: number) =>
      page.evaluate(`(async () => {
        const grid = document.querySelector('[role=grid]');
        for (let n = 0; n < ${times}; n++) {
          grid.scrollTop = ((grid.scrollHeight - grid.clientHeight) * (n % 5)) / 4;
          await new Promise(requestAnimationFrame);
        }
      })()`);
    await jump(50);
    const before = await memory();
    await jump(1000);
    const after = await memory();
    expect(after.nodes).toBeLessThan(before.nodes * 1.5);
    expect(after.heap).toBeLessThan(before.heap * 1.5);
  });
});

describe('the connection', () => {
  test('is lost and regained: the page says so, and what it shows is alive again', async () => {
    const page = await all.open('/datasets/pictures');
    await tile(page, 0).waitFor();
    await all.stack.members.api?.stop();
    await page.getByText('Connection lost.').waitFor();
    await tile(page, 3).waitFor();
    await all.stack.members.api?.start();
    await page.getByText('Connection lost.').waitFor({ state: 'detached' });
    await all.post('/api/datasets/pictures/tags', { add: ['regained'], seqs: [0] });
    const { job_id } = await all.post<{ job_id: string }>('/api/datasets/pictures/embed', {});
    // The job's end stays on show, however soon it comes: the page hears of it by the stream alone.
    await page.locator(`a.job[href="/jobs/${job_id}"]`).filter({ hasText: 'Completed' }).waitFor();
  });
});

describe('a tab that nobody looks at', () => {
  const show = (page: Page, hidden: boolean) =>
    page.evaluate(`Object.defineProperty(document, 'hidden', { configurable: true, value: ${hidden} });
      document.dispatchEvent(new Event('visibilitychange'))`);

  test('leaves its connection to those in sight, and knows what it missed when it is looked at again', async () => {
    const first = await all.open('/datasets/pictures');
    await tile(first, 0).waitFor();
    await show(first, true);
    // A browser has six connections a server; each tab would hold one.
    for (let n = 0; n < 6; n++) {
      const page = await first.context().newPage();
      await page.goto('/datasets');
      await page.getByRole('link', { name: 'pictures', exact: true }).waitFor();
      await show(page, true);
    }
    const seventh = await first.context().newPage();
    await seventh.goto('/datasets/pictures');
    await pictureAt(seventh, 0);

    const { job_id } = await all.post<{ job_id: string }>('/api/datasets/pictures/embed', {});
    await all.get(`/api/jobs/${job_id}/wait?timeout=30`);
    expect(await first.locator(`a.job[href="/jobs/${job_id}"]`).count()).toBe(0);
    await show(first, false);
    await first.locator(`a.job[href="/jobs/${job_id}"]`).filter({ hasText: 'Completed' }).waitFor();
    expect(await first.getByText('Connection lost.').count()).toBe(0);
  });
});

test('the page comes compressed, and its scripts are kept for good', async () => {
  const page = await (await fetch(`${all.url}/`)).text();
  const script = /src="(\/assets\/[^"]+\.js)"/.exec(page)?.[1] ?? '';
  for (const encoding of ['br', 'gzip']) {
    const { headers, body } = await fetch(`${all.url}${script}`, { headers: { 'accept-encoding': encoding } });
    await body?.cancel();
    expect(headers.get('content-encoding')).toBe(encoding);
    expect(headers.get('content-type')).toContain('text/javascript');
    expect(headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(headers.get('vary')).toContain('Accept-Encoding');
  }
});

test('a token is asked for where one is needed, and what it may not do is not offered', async () => {
  const { token, line } = createToken('read');
  const { MONGODB_URI = '', ...env } = all.stack.env;
  const settings = await settingsFrom({ ...env, MONGODB_URI, PLIMSOLL_API_TOKENS: line }, { port: 0 });
  const api = await startApi({ ...settings, webFolder: await buildWeb() }, () => {});
  try {
    const page = await all.open(`${api.url}/datasets`);
    await page.getByLabel('Token').fill('not it');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByText('This server does not know that token.').waitFor();
    await page.getByLabel('Token').fill(token);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('link', { name: 'pictures', exact: true }).click();
    await pictureAt(page, 0);
    expect(await page.getByRole('link', { name: 'New load' }).count()).toBe(0);
    expect(await page.getByLabel('More actions').count()).toBe(0);
  } finally {
    await api.close();
  }
});

describe('a session', () => {
  const { token, line } = createToken('operate');
  let api: RunningApi;

  beforeAll(async () => {
    const { MONGODB_URI = '', ...env } = all.stack.env;
    const settings = await settingsFrom({ ...env, MONGODB_URI, PLIMSOLL_API_TOKENS: line }, { port: 0 });
    api = await startApi({ ...settings, webFolder: await buildWeb() }, () => {});
    await api.context.backends.mongodb.untilReady();
  });

  afterAll(() => api?.close());

  const form = (page: Page) => page.getByRole('heading', { name: 'A token is needed' });
  const picturesOn = (page: Page) => page.getByRole('link', { name: 'pictures', exact: true });

  test('begins with the token of a link, which leaves the address and the history', async () => {
    const page = await all.open(`${api.url}/datasets?sort=name#token=${token}`);
    await picturesOn(page).waitFor();
    expect(page.url()).toBe(`${api.url}/datasets?sort=name`);
    await page.goto(`${api.url}/jobs`);
    await page.goBack();
    expect(page.url()).toBe(`${api.url}/datasets?sort=name`);
  });

  test('begins with a link that is followed in an open page', async () => {
    const page = await all.open(`${api.url}/datasets`);
    await form(page).waitFor();
    await page.goto(`${api.url}/datasets#token=${token}`);
    await picturesOn(page).waitFor();
    expect(page.url()).toBe(`${api.url}/datasets`);
  });

  test('does not begin with the token of another server: the form says so', async () => {
    const page = await all.open(`${api.url}/datasets#token=${createToken('operate').token}`);
    await page.getByText('This server does not know that token.').waitFor();
    await form(page).waitFor();
    expect(page.url()).toBe(`${api.url}/datasets`);
    await page.getByLabel('Token').fill(token);
    await page.getByRole('button', { name: 'Continue' }).click();
    await picturesOn(page).waitFor();
  });

  test('ends with a sign-out, in the store as well', async () => {
    const page = await all.open(`${api.url}/datasets#token=${token}`);
    await picturesOn(page).waitFor();
    const [cookie] = await page.context().cookies();
    const headers = { cookie: `${cookie?.name}=${cookie?.value}` };
    expect((await fetch(`${api.url}/api/datasets`, { headers })).status).toBe(200);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await form(page).waitFor();
    expect(await page.getByRole('button', { name: 'Sign out' }).count()).toBe(0);
    expect((await fetch(`${api.url}/api/datasets`, { headers })).status).toBe(401);
  });

  test('leaves room for its sign-out on a phone', async () => {
    const page = await all.open(`${api.url}/datasets#token=${token}`, { viewport: { width: 320, height: 640 } });
    await picturesOn(page).waitFor();
    await page.getByRole('button', { name: 'Sign out' }).waitFor();
    const wide = await page.evaluate('document.documentElement.scrollWidth');
    expect(wide).toBeLessThanOrEqual(320);
  });

  test('that can not be ended stays, and the page says so', async () => {
    const page = await all.open(`${api.url}/datasets#token=${token}`);
    await picturesOn(page).waitFor();
    await page.route('**/api/session', (route) => route.abort());
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByText('You are still signed in. The server does not answer.').first().waitFor();
  });

  test('is not offered to end where the server has no tokens', async () => {
    const page = await all.open('/datasets');
    await picturesOn(page).waitFor();
    expect(await page.getByRole('button', { name: 'Sign out' }).count()).toBe(0);
  });
});

describe('every view', () => {
  const VIEWS = (): View[] => [
    ['datasets', '/datasets', (page) => page.getByRole('link', { name: 'pictures', exact: true }).waitFor()],
    ['a dataset', '/datasets/pictures', (page) => pictureAt(page, 0)],
    ['a dataset with failures', '/datasets/broken', (page) => page.getByText('empty.jpg').first().waitFor()],
    ['nothing that matches', '/datasets/pictures?q=none', (page) => page.getByText('Nothing matches').waitFor()],
    ['a sample', '/datasets/pictures/samples/3', (page) => page.getByRole('heading', { level: 1 }).waitFor()],
    [
      'a failed sample',
      `/datasets/broken/samples/0?status=failed`,
      (page) => page.getByRole('heading', { level: 1 }).waitFor(),
    ],
    ['jobs', '/jobs', (page) => page.getByRole('link', { name: 'pictures', exact: true }).first().waitFor()],
    ['a load', '/jobs/broken', (page) => page.getByText('the file is empty').waitFor()],
    ['a new load', '/loads/new', (page) => page.getByText('Options').click()],
    ['an unknown address', '/datasets/a/b/c', (page) => page.getByText('There is nothing here').waitFor()],
  ];

  test.each(LOOKS)(
    'is accessible, %s, and no wider than the window',
    async (_look, options) => {
      const page = await all.open('/datasets', options);
      expect(await faultsOf(page, VIEWS())).toEqual([]);
    },
    90_000,
  );
});

test('the reference of the API is accessible', async () => {
  const page = await all.open('/api/docs');
  const ready = (shown: Page) => shown.getByRole('heading', { level: 1 }).waitFor();
  expect(await faultsOf(page, [['the reference', '/api/docs', ready]])).toEqual([]);
});

/** Moves the second half of a dataset's samples to the middle of `count` numbers, so that most places are empty. */
async function moveHalf(dataset: string, count: number): Promise<void> {
  const mongo = await MongoClient.connect(all.stack.mongodbUri);
  try {
    const { next_seq } = await datasetOf(all, dataset);
    const [half, shift] = [next_seq / 2, count / 2 - 0.75 * next_seq];
    const moved = { dataset_id: dataset, seq: { $gte: half } };
    await mongo
      .db()
      .collection('samples')
      .updateMany(moved, { $inc: { seq: shift } });
    await mongo
      .db()
      .collection<{ _id: string }>('datasets')
      .updateOne({ _id: dataset }, { $set: { next_seq: count, 'counts.total': count, 'counts.indexed': count } });
  } finally {
    await mongo.close();
  }
}

/** A dataset that claims `count` samples. Only some at its start, middle and end exist. */
async function writeSparseDataset(dataset: string, count: number): Promise<void> {
  const mongo = await MongoClient.connect(all.stack.mongodbUri);
  try {
    const db = mongo.db();
    const model = await db.collection('samples').findOne({ dataset_id: 'pictures', seq: 0 });
    const seqs = [0, count / 2 - 500, count - 1000].flatMap((begin) =>
      Array.from({ length: 1000 }, (_, n) => begin + n),
    );
    await db.collection('samples').insertMany(
      seqs.map((seq) => ({
        ...model,
        _id: new ObjectId(),
        dataset_id: dataset,
        seq,
        filepath: `${model?.filepath}-${seq}`,
      })),
    );
    const whole = await db.collection<{ _id: string }>('datasets').findOne({ _id: 'pictures' });
    await db.collection<{ _id: string }>('datasets').insertOne({
      ...whole,
      _id: dataset,
      next_seq: count,
      counts: { total: count, indexed: count, failed: 0, missing: 0 },
    } as { _id: string });
    expect((await datasetOf(all, dataset)).next_seq).toBe(count);
  } finally {
    await mongo.close();
  }
}
