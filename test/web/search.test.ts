import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { DatasetModels, DuplicatePage, Sample } from '../../web/src/api/shapes.ts';
import { ALTERATIONS, drawVaried } from '../support/altered-copies.ts';
import { COLOURS, makeColourWordsModel } from '../support/colour-words.ts';
import { heldAnswers } from './held-answers.ts';
import { faultsOf, LOOKS, type View } from './looks.ts';
import { openPageStack, type PageStack } from './page-stack.ts';

/** The model that knows words of colours, below PLIMSOLL_MODELS. */
const MODEL = 'colour-words';
const NAMES = Object.keys(COLOURS);

let models: string;
let all: PageStack;

beforeAll(async () => {
  models = await mkdtemp(join(tmpdir(), 'plimsoll-models-'));
  await makeColourWordsModel(join(models, MODEL));
  all = await openPageStack({ PLIMSOLL_MODELS: models });
  const painted = join(all.sources, 'painted');
  await mkdir(painted);
  // Their names do not tell their colours, and their order is not that of the colours.
  await Promise.all(NAMES.map(async (name, n) => writeFile(join(painted, `${n}.png`), await paintedIn(name))));
  await all.load('painted', painted, { model: MODEL });
});

afterEach(async () => {
  for (const context of all.browser.contexts()) await context.close();
  expect(all.complaints.splice(0)).toEqual([]);
});

afterAll(async () => {
  await all?.stop();
  await rm(models, { recursive: true, force: true });
});

function paintedIn(name: string, size = 40): Promise<Buffer> {
  const [r, g, b] = COLOURS[name] as readonly [number, number, number];
  return sharp({ create: { width: size, height: 30, channels: 3, background: { r, g, b } } })
    .png()
    .toBuffer();
}

/** The number of the sample that is painted in a colour: files are indexed in the order of their names' bytes. */
const seqOf = (name: string) =>
  NAMES.map((_, n) => `${n}.png`)
    .sort()
    .indexOf(`${NAMES.indexOf(name)}.png`);

const firstTile = (page: Page) => page.locator('#place-0');
const shows = (page: Page, name: string) => page.locator(`#place-0[data-seq="${seqOf(name)}"]`).waitFor();
const wordsBox = (page: Page) => page.getByRole('searchbox', { name: 'Search by words' });

/** Drops a file on the page, as a person does. */
async function drop(page: Page, file: { bytes: Buffer; name: string; type: string }): Promise<void> {
  const data = await page.evaluateHandle(
    ({ base64, name, type }) => {
      const {
        atob,
        DataTransfer,
        File,
        Uint8Array: Bytes,
      } = globalThis as unknown as {
        atob(text: string): string;
        DataTransfer: new () => { items: { add(file: unknown): void } };
        File: new (parts: unknown[], name: string, options: { type: string }) => unknown;
        Uint8Array: { from(text: string, map: (letter: string) => number): unknown };
      };
      const transfer = new DataTransfer();
      transfer.items.add(new File([Bytes.from(atob(base64), (letter) => letter.charCodeAt(0))], name, { type }));
      return transfer;
    },
    { base64: file.bytes.toString('base64'), name: file.name, type: file.type },
  );
  const grid = page.getByRole('grid');
  // It comes in over the bar at the top, leaves the window there, and comes back.
  const overlay = page.getByText('Drop the picture');
  await page.getByRole('navigation').dispatchEvent('dragover', { dataTransfer: data });
  await overlay.waitFor();
  await page.getByRole('navigation').dispatchEvent('dragleave', { dataTransfer: data });
  await overlay.waitFor({ state: 'detached' });
  await grid.dispatchEvent('dragover', { dataTransfer: data });
  await overlay.waitFor();
  await grid.dispatchEvent('drop', { dataTransfer: data });
  await overlay.waitFor({ state: 'detached' });
}

describe('a search', () => {
  test('by words shows the nearest first, with scores, and is in the address', async () => {
    const page = await all.open('/datasets/painted');
    await wordsBox(page).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('something blue');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/datasets/painted?words=something+blue');
    await shows(page, 'blue');
    await page.getByText('Nearest to “something blue”').waitFor();
    expect(await firstTile(page).locator('.score').innerText()).toMatch(/1\.00$/);
    const scores = await page.locator('.cell .score').allInnerTexts();
    expect(scores).toHaveLength(NAMES.length);
    const numbers = scores.map((text) => Number(/-?[\d.]+$/.exec(text)?.[0]));
    expect(numbers).toEqual(numbers.toSorted((a, b) => b - a));
    await page.reload();
    await shows(page, 'blue');
    expect(await wordsBox(page).inputValue()).toBe('something blue');
    await wordsBox(page).fill('a red one');
    await page.keyboard.press('Enter');
    await shows(page, 'red');
    await page.goBack();
    await shows(page, 'blue');
    await page.getByRole('button', { name: 'Show all' }).click();
    await page.waitForURL('**/datasets/painted');
    await page.locator('#place-0[data-seq="0"]').waitFor();
    expect(await page.locator('.score').count()).toBe(0);
  });

  test('opens what it found, which is stepped through in its order', async () => {
    const page = await all.open('/datasets/painted?words=red');
    await shows(page, 'red');
    const order = await page
      .locator('.cell')
      .evaluateAll((cells: { dataset: { seq: string } }[]) => cells.map(({ dataset }) => dataset.seq));
    await firstTile(page).click();
    await page.waitForURL(`**/samples/${order[0]}?words=red`);
    await page.getByRole('button', { name: 'Next sample' }).click();
    await page.waitForURL(`**/samples/${order[1]}?words=red`);
    await page.keyboard.press('Escape');
    await page.waitForURL('**/datasets/painted?words=red');
    await expect.poll(() => page.getByRole('grid').getAttribute('aria-activedescendant')).toBe('place-1');
  });

  test('by a picture takes a dropped one, a chosen one and a pasted one', async () => {
    const page = await all.open('/datasets/painted');
    await firstTile(page).waitFor();
    await page.getByRole('button', { name: 'Search by a picture' }).waitFor();
    await drop(page, { bytes: await paintedIn('purple'), name: 'dropped.png', type: 'image/png' });
    await shows(page, 'purple');
    await page.getByText('Similar to dropped.png').waitFor();
    await page
      .locator('[data-picture]')
      .setInputFiles({ name: 'chosen.png', mimeType: 'image/png', buffer: await paintedIn('yellow') });
    await shows(page, 'yellow');
    await page.getByText('Similar to chosen.png').waitFor();
    await page.goBack();
    await shows(page, 'purple');
    // A reload forgets the picture: it was never stored.
    await page.reload();
    await page.waitForURL('**/datasets/painted');
    await page.locator('#place-0[data-seq="0"]').waitFor();
    await page.getByRole('button', { name: 'Search by a picture' }).waitFor();
    await drop(page, { bytes: await paintedIn('green'), name: 'another.png', type: 'image/png' });
    await shows(page, 'green');
    // The page before had the picture of this address.
    await page.goBack();
    await page.goBack();
    await page.waitForURL('**/datasets/painted');
    await page.locator('#place-0[data-seq="0"]').waitFor();
  });

  test('says what is wrong with a picture', async () => {
    const page = await all.open('/datasets/painted');
    await page.getByRole('button', { name: 'Search by a picture' }).waitFor();
    await drop(page, { bytes: Buffer.from('words'), name: 'words.txt', type: 'text/plain' });
    await page.getByText('That is no picture.').first().waitFor();
    await drop(page, { bytes: Buffer.from('no picture at all'), name: 'broken.png', type: 'image/png' });
    await page.getByText("The picture can't be used").waitFor();
    await page.getByRole('button', { name: 'Show all' }).click();
    await page.locator('#place-0[data-seq="0"]').waitFor();
  });

  test('for what is similar begins at a tile, by a key, and at a sample', async () => {
    const page = await all.open('/datasets/painted');
    const red = page.locator(`[data-seq="${seqOf('red')}"]`);
    await red.hover();
    await red.locator('.similar').click();
    await page.waitForURL(`**/datasets/painted?like=${seqOf('red')}`);
    await shows(page, 'orange');
    // The sample itself is left out.
    await expect.poll(() => page.locator('.cell').count()).toBe(NAMES.length - 1);
    await page.getByRole('grid').focus();
    await page.keyboard.press('s');
    await page.waitForURL(`**/datasets/painted?like=${seqOf('orange')}`);
    await page.goto(`/datasets/painted/samples/${seqOf('red')}`);
    const section = page.locator('aside', { hasText: 'Similar' });
    await section
      .getByRole('link', { name: /score 0\./ })
      .first()
      .waitFor();
    await section.getByRole('link', { name: 'All that is similar' }).click();
    await page.waitForURL(`**/datasets/painted?like=${seqOf('red')}`);
  });

  test('keeps to the filter, and its hits are tagged', async () => {
    const page = await all.open('/datasets/painted?words=green');
    await shows(page, 'green');
    await firstTile(page).locator('.box').click({ force: true });
    await page.getByLabel('Tags, separated by commas').fill('leaf');
    await page.getByRole('button', { name: 'Add tag' }).click();
    await page.getByText('1 sample has changed.').first().waitFor();
    await page.getByLabel('Tag', { exact: true }).selectOption('leaf');
    await page.waitForURL('**/datasets/painted?tag=leaf&words=green');
    await expect.poll(() => page.locator('.cell').count()).toBe(1);
    // All that are loaded are selected one by one: a filter would also tag what was not found.
    await page.getByLabel('Tag', { exact: true }).selectOption('');
    await expect.poll(() => page.locator('.cell').count()).toBe(NAMES.length);
    await page.getByRole('grid').focus();
    await page.keyboard.press('Control+a');
    await page.getByText(`${NAMES.length} samples selected`).waitFor();
  });

  test('that comes back by the history selects nothing of what was shown before it', async () => {
    await all.post('/api/datasets/painted/tags', { seqs: [seqOf('pink')], add: ['rose'], remove: [] });
    const page = await all.open('/datasets/painted?words=pink');
    await shows(page, 'pink');
    await page.getByLabel('Tag', { exact: true }).selectOption('rose');
    await expect.poll(() => page.locator('.cell').count()).toBe(1);
    await page.getByRole('button', { name: 'Show all' }).click();
    await page.waitForURL('**/datasets/painted?tag=rose');
    await expect.poll(() => page.locator('.score').count()).toBe(0);
    await expect.poll(() => page.locator('.cell').count()).toBe(1);
    await page.locator(`#place-0[data-seq="${seqOf('pink')}"]`).waitFor();
    // The focus is where keys work, though the button that had it is gone.
    await expect.poll(() => page.evaluate('document.activeElement?.role')).toBe('grid');
    await page.keyboard.press('Control+a');
    await page.getByText('All that match are selected').waitFor();
    await page.goBack();
    await page.waitForURL('**/datasets/painted?tag=rose&words=pink');
    await page.getByText('All that match are selected').waitFor({ state: 'detached' });
  });

  test('is left by Escape as it was, and text that is pasted is no picture', async () => {
    const page = await all.open('/datasets/painted?words=red');
    await shows(page, 'red');
    await wordsBox(page).fill('blue, perhaps');
    await page.keyboard.press('Escape');
    expect(await wordsBox(page).inputValue()).toBe('red');
    await expect.poll(() => page.evaluate('document.activeElement?.role')).toBe('grid');
    const pasted = await page.evaluateHandle(
      "(() => { const data = new DataTransfer(); data.setData('text/plain', 'a cell'); data.items.add(new File(['a'], 'cell.png', { type: 'image/png' })); return new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }); })()",
    );
    await page
      .getByLabel('Search in paths')
      .evaluate(
        (field, event) => void (field as unknown as { dispatchEvent(event: unknown): void }).dispatchEvent(event),
        pasted,
      );
    await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
    expect(page.url()).toContain('words=red');
    await page
      .getByRole('grid')
      .evaluate(
        (grid, event) => void (grid as unknown as { dispatchEvent(event: unknown): void }).dispatchEvent(event),
        pasted,
      );
    await page.waitForURL('**/datasets/painted?picture=*');
  });

  test('leaves a place that Back returns to', async () => {
    const page = await all.open('/datasets/painted', { viewport: { width: 400, height: 420 } });
    await wordsBox(page).waitFor();
    const grid = page.getByRole('grid');
    await grid.focus();
    await page.keyboard.press('End');
    await page.locator(`[data-seq="${NAMES.length - 1}"]`).waitFor();
    const scrolled = () => grid.evaluate((element) => (element as unknown as { scrollTop: number }).scrollTop);
    await expect.poll(scrolled).toBeGreaterThan(0);
    const before = await scrolled();
    await expect.poll(() => page.evaluate('history.state?.place ?? 0')).toBeGreaterThan(0);
    await page.keyboard.press('s');
    await page.waitForURL('**/datasets/painted?like=*');
    await page.locator('.score').first().waitFor();
    await expect.poll(scrolled).toBe(0);
    await page.goBack();
    await page.waitForURL('**/datasets/painted');
    await expect.poll(async () => Math.abs((await scrolled()) - before)).toBeLessThan(120);
  });

  test('says while the dataset is being embedded how much it has found from', async () => {
    const growing = join(all.sources, 'growing');
    await mkdir(growing);
    const add = async (file: string, colour: string) => writeFile(join(growing, file), await paintedIn(colour, 41));
    await Promise.all([add('a.png', 'red'), add('b.png', 'black')]);
    await all.load('growing', growing, { model: MODEL });
    await Promise.all([add('c.png', 'blue'), add('d.png', 'white')]);
    // The worker is stopped, so the new ones have no vectors until it goes on.
    const worker = all.stack.members['worker-embedding']?.pid as number;
    process.kill(-worker, 'SIGSTOP');
    try {
      await all.post('/api/loads', { dataset: 'growing', source: growing, model: MODEL });
      const page = await all.open('/datasets/growing?words=blue');
      await page.getByText('Searching while embedding: 50 % so far').waitFor();
      await expect.poll(() => page.locator('.cell').count()).toBe(2);
      process.kill(-worker, 'SIGCONT');
      await page.locator('#place-0[data-seq="2"]').waitFor();
      await page.getByText('Searching while embedding').waitFor({ state: 'detached' });
      await expect.poll(() => page.locator('.cell').count()).toBe(4);
    } finally {
      process.kill(-worker, 'SIGCONT');
    }
  });
});

describe('a model without words', () => {
  test('gets a line that says how to search by words, once; pictures can be searched by', async () => {
    const pictures = join(all.sources, 'plain');
    await mkdir(pictures);
    await writeFile(join(pictures, 'a.png'), await paintedIn('red', 42));
    await all.load('plain', pictures);
    const page = await all.open('/datasets/plain');
    await page.getByText('plimsoll models fetch clip-vit-b32').waitFor();
    await page.getByRole('button', { name: 'Search by a picture' }).waitFor();
    expect(await wordsBox(page).count()).toBe(0);
    await page.getByRole('button', { name: 'Close the hint' }).click();
    await page.reload();
    await page.getByRole('button', { name: 'Search by a picture' }).waitFor();
    expect(await page.getByText('plimsoll models fetch').count()).toBe(0);
  });
});

describe('duplicates', () => {
  test('are found, shown in groups side by side, and all but one of a group are tagged', async () => {
    const folder = join(all.sources, 'copies');
    await mkdir(folder);
    const [one, two] = [await drawVaried(1), await drawVaried(2)];
    const [smaller, worse] = ALTERATIONS as [(typeof ALTERATIONS)[number], (typeof ALTERATIONS)[number]];
    await writeFile(join(folder, 'one.jpg'), one);
    await writeFile(join(folder, 'one-smaller.jpg'), await smaller(one));
    await writeFile(join(folder, 'one-worse.webp'), await worse(one));
    await writeFile(join(folder, 'two.jpg'), two);
    await writeFile(join(folder, 'two-copied.jpg'), two);
    await writeFile(join(folder, 'three.jpg'), await drawVaried(3));
    await all.load('copies', folder);

    const page = await all.open('/datasets/copies');
    await page.getByLabel('More actions').click();
    await page.getByRole('link', { name: 'Find duplicates' }).click();
    await page.getByText('Not searched yet').waitFor();
    await page.getByRole('button', { name: 'Find duplicates' }).click();
    await page.getByText('2 groups of 5 samples').waitFor();
    const [alike, copies] = [
      page.getByRole('region', { name: 'Group 1' }),
      page.getByRole('region', { name: 'Group 2' }),
    ];
    await alike.getByRole('heading', { name: 'Look-alikes' }).waitFor();
    await copies.getByRole('heading', { name: 'Exact copies' }).waitFor();
    await copies.getByText('same content').waitFor();
    expect(await alike.getByRole('radio', { name: 'Keep copies/one.jpg' }).isChecked()).toBe(true);

    await alike.getByRole('radio', { name: 'Keep copies/one-worse.webp' }).check();
    await alike.getByRole('button', { name: 'Tag the other 2' }).click();
    await expect.poll(() => tagged('copies')).toEqual(['copies/one-smaller.jpg', 'copies/one.jpg']);
    expect(await alike.locator('.tags').count()).toBe(2);
    await alike.getByRole('radio', { name: 'Keep copies/one.jpg' }).check();
    // The answers come when the group is not shown any more.
    const answers = await heldAnswers(page, ({ pathname }) => pathname.endsWith('/tags'));
    await alike.getByRole('button', { name: 'Tag the other 2' }).click();
    await answers.waiting(1);
    await page.getByRole('link', { name: 'Exact copies' }).click();
    await page.waitForURL('**/datasets/copies/duplicates?kind=exact');
    await alike.waitFor({ state: 'detached' });
    await answers.give();
    await expect.poll(() => tagged('copies')).toEqual(['copies/one-smaller.jpg', 'copies/one-worse.webp']);

    await page.getByRole('button', { name: 'Tag the rest of all groups' }).click();
    await page.getByText('1 sample has the tag now.').first().waitFor();
    expect(await tagged('copies')).toHaveLength(3);
    await copies.locator('.tags').waitFor();

    // The group of that number of another search has other members: the chosen one is none of them.
    await page.goto('/datasets/copies/duplicates');
    await copies.getByRole('radio', { name: 'Keep copies/two.jpg' }).check();
    await writeFile(join(folder, 'one-again.jpg'), one);
    await rm(join(folder, 'one-smaller.jpg'));
    await rm(join(folder, 'one-worse.webp'));
    await all.load('copies', folder);
    await page.getByRole('button', { name: 'Find duplicates' }).click();
    await page.getByText('2 groups of 4 samples').waitFor();
    for (const group of [alike, copies]) {
      await expect.poll(() => group.getByRole('radio', { checked: true }).count()).toBe(1);
      await group.getByRole('button', { name: 'Tag the other one' }).waitFor();
    }

    const { run } = await all.get<DuplicatePage>('/api/datasets/copies/duplicates');
    await page.goto(`/jobs/${run?.job_id}`);
    await page.getByText(/[57] samples compared, 2 groups/).waitFor();
    await page.getByRole('link', { name: 'See the groups' }).waitFor();
    await page.goto('/jobs?kind=duplicates');
    await page.getByText(/[57] samples compared, 2 groups/).waitFor();
    await page.getByText('6 samples compared, 2 groups').waitFor();
  });
});

/** The paths of the samples that are tagged as duplicates, in their order. */
async function tagged(dataset: string): Promise<string[]> {
  const { samples } = await all.get<{ samples: Sample[] }>(`/api/datasets/${dataset}/samples?tag=duplicate`);
  return samples.map(({ path }) => path).sort();
}

describe('the models of a dataset', () => {
  test('are listed, another one serves when it is chosen, and one is dropped', async () => {
    await all.post('/api/datasets/painted/embed', { model: 'color-gradient-grid' });
    const page = await all.open('/datasets/painted');
    const dialog = page.getByRole('dialog');
    const open = async () => {
      await page.getByLabel('More actions').click();
      await page.getByRole('button', { name: 'Models and search index…' }).click();
      await dialog.waitFor();
    };
    await expect.poll(async () => (await modelsOf('painted')).map(({ share }) => share)).toEqual([1, 1]);
    await page.reload();
    await wordsBox(page).waitFor();
    await open();
    await dialog.getByText(/Serves searches\. 11 vectors \(100 %\) of 4 numbers, knows words\./).waitFor();
    await dialog.getByText('No search index: all vectors are read.').first().waitFor();
    await dialog.getByRole('button', { name: /Use for searches ?: color-gradient-grid@/ }).click();
    // The built-in model knows no words.
    await wordsBox(page).waitFor({ state: 'detached' });
    await dialog.getByLabel('Search index of the model that serves').selectOption('f32');
    await dialog.getByRole('button', { name: 'Build it anew' }).click();
    await dialog.waitFor({ state: 'detached' });
    await expect
      .poll(async () => (await modelsOf('painted')).map(({ index }) => index?.kind))
      .toEqual([undefined, 'f32']);
    await page.reload();
    await open();
    await dialog.getByText('Search index: f32, 11 vectors').waitFor();
    await dialog.getByRole('button', { name: /Use for searches ?: colour-words@/ }).click();
    await wordsBox(page).waitFor();
    await dialog.getByRole('button', { name: 'Drop its vectors…' }).click();
    await dialog.getByText('11 vectors are removed.').waitFor();
    await dialog.getByRole('button', { name: 'Drop the vectors' }).click();
    await expect.poll(async () => (await modelsOf('painted')).map(({ name }) => name)).toEqual([MODEL]);
  });
});

const modelsOf = async (dataset: string) => (await all.get<DatasetModels>(`/api/datasets/${dataset}/models`)).models;

test.each(LOOKS)('is accessible and fits, %s', async (_, look) => {
  const page = await all.open('/', look);
  const views: View[] = [
    ['a search', '/datasets/painted?words=red', (page) => shows(page, 'red')],
    [
      'a sample',
      `/datasets/painted/samples/${seqOf('red')}`,
      (page) => page.getByText('All that is similar').waitFor(),
    ],
    ['duplicates', '/datasets/copies/duplicates', (page) => page.getByRole('region', { name: 'Group 2' }).waitFor()],
    [
      'the models',
      '/datasets/painted',
      async (page) => {
        await page.getByLabel('More actions').click();
        await page.getByRole('button', { name: 'Models and search index…' }).click();
      },
    ],
  ];
  expect(await faultsOf(page, views)).toEqual([]);
});
