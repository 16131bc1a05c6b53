import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { colourOf } from '../../web/src/annotations/colours.ts';
import { faultsOf, LOOKS, type View } from './looks.ts';
import { openPageStack, type PageStack } from './page-stack.ts';

const WIDTH = 200;
const HEIGHT = 100;
const CROWD = { pictures: 240, objects: 300, classes: 5 };

let all: PageStack;

beforeAll(async () => {
  all = await openPageStack();
  const animals = join(all.sources, 'animals');
  await makePictures(animals, 6);
  const truth = await writeCoco(
    'truth.json',
    ['cat', 'dog', 'person'],
    [
      { image: 0, label: 'cat', bbox: [80, 20, 40, 60] },
      { image: 0, label: 'dog', bbox: [60, 70, 20, 20], segmentation: [[60, 70, 80, 70, 80, 90, 60, 90]] },
      { image: 1, label: 'cat', bbox: [60, 10, 80, 80], iscrowd: 1 },
      { image: 2, label: 'person', bbox: [70, 0, 60, 100], keypoints: [100, 20, 2, 100, 80, 1] },
    ],
  );
  const guesses = await writeCoco(
    'guesses.json',
    ['fox'],
    [{ image: 3, label: 'fox', bbox: [90, 40, 20, 20], score: 0.75 }],
  );
  await all.load('animals', animals, { embed: false, annotations: { paths: [truth], split: 'val' } });
  await all.load('animals', animals, { embed: false, annotations: { paths: [guesses], field: 'guesses' } });

  const crowded = join(all.sources, 'crowded');
  await makePictures(crowded, CROWD.pictures);
  const names = Array.from({ length: CROWD.classes }, (_, n) => `class ${n}`);
  const objects = Array.from({ length: CROWD.pictures * CROWD.objects }, (_, n): CocoObject => {
    const place = n % CROWD.objects;
    const bbox = [10 * (place % 20), 6 * Math.floor(place / 20), 6, 4];
    return { image: Math.floor(n / CROWD.objects), label: names[n % names.length] as string, bbox };
  });
  const many = await writeCoco('crowd.json', names, objects);
  await all.load('crowded', crowded, { embed: false, annotations: { paths: [many] } });
});

afterEach(async () => {
  for (const context of all.browser.contexts()) await context.close();
  expect(all.complaints.splice(0)).toEqual([]);
});

afterAll(() => all?.stop());

/** Grey pictures, `000.png` and on, so that all colours are of what is drawn over them. */
async function makePictures(folder: string, count: number): Promise<void> {
  await mkdir(folder);
  const create = { width: WIDTH, height: HEIGHT, channels: 3, background: '#808080' } as const;
  const bytes = await sharp({ create }).png().toBuffer();
  await Promise.all(Array.from({ length: count }, (_, n) => writeFile(join(folder, nameOf(n)), bytes)));
}
const nameOf = (n: number) => `${String(n).padStart(3, '0')}.png`;

interface CocoObject {
  image: number;
  label: string;
  bbox: number[];
  segmentation?: number[][];
  keypoints?: number[];
  iscrowd?: 1;
  score?: number;
}

async function writeCoco(file: string, names: string[], objects: CocoObject[]): Promise<string> {
  const path = join(all.sources, file);
  const seen = [...new Set(objects.map(({ image }) => image))];
  await writeFile(
    path,
    JSON.stringify({
      images: seen.map((id) => ({ id, file_name: nameOf(id), width: WIDTH, height: HEIGHT })),
      categories: names.map((name, id) => ({
        id,
        name,
        ...(name === 'person' ? { keypoints: ['head', 'foot'], skeleton: [[1, 2]] } : {}),
      })),
      annotations: objects.map(({ image, label, ...rest }, id) => ({
        id,
        image_id: image,
        category_id: names.indexOf(label),
        area: 1,
        iscrowd: 0,
        ...rest,
      })),
    }),
  );
  return path;
}

const tile = (page: Page, seq: number) => page.locator(`[data-seq="${seq}"]`);
const shownSamples = (page: Page) =>
  page
    .locator('[data-seq]')
    .evaluateAll((cells) => cells.map((cell) => Number((cell as unknown as { dataset: { seq: string } }).dataset.seq)));
const switchOf = (page: Page) => page.getByRole('button', { name: 'Annotations' });
const classButton = (page: Page, name: string) =>
  page.getByRole('complementary', { name: 'Classes' }).getByTitle(/ in /).filter({ hasText: name });

/** Whether a pixel of a canvas, at a share of its width and height, or one beside it, has nearly the colour of a class. */
const hasColour = (page: Page, selector: string, at: [number, number], label: string): Promise<boolean> =>
  page.evaluate<boolean>(`(() => {
    const canvas = document.querySelector(${JSON.stringify(`${selector} canvas`)});
    const [x, y, near] = [Math.round(${at[0]} * canvas.width) - 3, Math.round(${at[1]} * canvas.height) - 3, 7];
    const { data } = canvas.getContext('2d').getImageData(x, y, near, near);
    const wanted = ${JSON.stringify(colourOf(label).rgb)};
    for (let n = 0; n < data.length; n += 4)
      if (data[n + 3] > 180 && wanted.every((channel, c) => Math.abs(channel - data[n + c]) < 60)) return true;
    return false;
  })()`);

describe('annotations in the grid', () => {
  test('lie where they are on the pictures, which are cut off at their sides', async () => {
    const page = await all.open('/datasets/animals');
    await tile(page, 0).locator('canvas').waitFor();
    // A tile shows the middle 100 pixels of 200: pixel 80 is at 30 %.
    await expect.poll(() => hasColour(page, '[data-seq="0"]', [0.3, 0.6], 'cat')).toBe(true);
    await expect.poll(() => hasColour(page, '[data-seq="0"]', [0.7, 0.6], 'cat')).toBe(true);
    expect(await hasColour(page, '[data-seq="0"]', [0.5, 0.5], 'cat')).toBe(false);
    expect(await hasColour(page, '[data-seq="0"]', [0.3, 0.8], 'dog')).toBe(true);
    // The line of the skeleton, in the middle of its box.
    await expect.poll(() => hasColour(page, '[data-seq="2"]', [0.5, 0.5], 'person')).toBe(true);
    expect(await tile(page, 5).locator('canvas').count()).toBe(0);
  });

  test('are not asked for while they are switched off, by button or key, and the browser remembers that', async () => {
    const page = await all.open('/datasets/animals');
    const asked: string[] = [];
    page.on('request', (request) => {
      if (request.url().includes('/samples?')) asked.push(request.url());
    });
    await tile(page, 0).locator('canvas').waitFor();
    await switchOf(page).click();
    await tile(page, 0).locator('canvas').waitFor({ state: 'detached' });
    await page.reload();
    asked.length = 0;
    await tile(page, 0).locator('img.there').waitFor();
    expect(await switchOf(page).getAttribute('aria-pressed')).toBe('false');
    expect(asked.filter((url) => url.includes('annotations='))).toEqual([]);
    await page.getByRole('grid').focus();
    await page.keyboard.press('a');
    await tile(page, 0).locator('canvas').waitFor();
    expect(asked.some((url) => url.includes('annotations=true'))).toBe(true);
  });

  test('have a legend: a class filters the samples, in the address as well, and can be hidden', async () => {
    const page = await all.open('/datasets/animals');
    await classButton(page, 'cat').click();
    await page.waitForURL('**/datasets/animals?label=cat&field=ground_truth');
    await expect.poll(() => shownSamples(page)).toEqual([0, 1]);
    expect(await classButton(page, 'cat').getAttribute('aria-pressed')).toBe('true');
    await page.getByRole('button', { name: 'Clear the class' }).click();
    await page.waitForURL('**/datasets/animals');
    await tile(page, 2).waitFor();

    await tile(page, 1).locator('canvas').waitFor();
    await classButton(page, 'cat').click({ modifiers: ['Shift'] });
    await tile(page, 1).locator('canvas').waitFor({ state: 'detached' });
    await page.reload();
    await tile(page, 2).locator('canvas').waitFor();
    expect(await tile(page, 1).locator('canvas').count()).toBe(0);
    await page.getByRole('button', { name: 'Hide cat' }).click();
    await tile(page, 1).locator('canvas').waitFor();
  });

  test('are those of the field that is chosen', async () => {
    const page = await all.open('/datasets/animals');
    await page.getByLabel('Field of annotations').selectOption('guesses');
    await tile(page, 3).locator('canvas').waitFor();
    await expect.poll(() => hasColour(page, '[data-seq="3"]', [0.4, 0.5], 'fox')).toBe(true);
    expect(await tile(page, 0).locator('canvas').count()).toBe(0);
    expect(await page.getByRole('button', { name: 'Hide cat' }).count()).toBe(0);
  });

  test('come with splits, which filter the samples', async () => {
    const page = await all.open('/datasets/animals');
    await page.getByLabel('Split').selectOption('val');
    await page.waitForURL('**/datasets/animals?split=val');
    await expect.poll(() => shownSamples(page)).toEqual([0, 1, 2]);
  });

  test('are drawn once per tile, however long one scrolls', async () => {
    const page = await all.open('/datasets', { viewport: { width: 1600, height: 1200 } });
    await page.addInitScript(`globalThis.drawn = { pictures: 0, lines: 0 };
      const { clearRect, stroke } = CanvasRenderingContext2D.prototype;
      CanvasRenderingContext2D.prototype.clearRect = function (...of) { drawn.pictures += 1; clearRect.apply(this, of); };
      CanvasRenderingContext2D.prototype.stroke = function (...of) { drawn.lines += 1; stroke.apply(this, of); };`);
    await page.goto('/datasets/crowded');
    const drawn = () => page.evaluate<{ pictures: number; lines: number }>('({ ...drawn })');
    /** Waits until nothing has been drawn for a while. */
    async function settled() {
      let last = -1;
      await expect
        .poll(async () => {
          const { pictures } = await drawn();
          const done = pictures > 0 && pictures === last;
          last = pictures;
          await page.waitForTimeout(300);
          return done;
        })
        .toBe(true);
      return drawn();
    }
    await tile(page, 0).locator('canvas').waitFor();
    const begun = await settled();
    const tiles = await page.locator('[data-seq]').count();
    expect(tiles).toBeGreaterThanOrEqual(60);

    const grid = page.getByRole('grid');
    const scrollBy = (px: number) =>
      grid.evaluate((element, by) => ((element as unknown as { scrollTop: number }).scrollTop += by), px);
    // A few pixels up and down show no other row.
    for (let n = 0; n < 20; n++) await scrollBy(n % 2 === 0 ? 8 : -8);
    expect(await settled()).toEqual(begun);
    // To the end, in small steps: each picture that comes into view is drawn, and rows that are passed may be, too.
    for (let n = 0; n < 60; n++) await scrollBy(60);
    const end = await settled();
    expect(end.pictures - begun.pictures).toBeGreaterThan(0);
    expect(end.pictures - begun.pictures).toBeLessThanOrEqual(CROWD.pictures);
    expect((end.lines - begun.lines) / (end.pictures - begun.pictures)).toBe(CROWD.classes);
  });
});

describe('annotations of a sample', () => {
  test('lie over the large picture, and one that is pointed at is highlighted', async () => {
    const page = await all.open('/datasets/animals/samples/0');
    const objects = page.getByRole('list', { name: 'Objects' }).getByRole('button');
    await objects.first().waitFor();
    expect(await objects.allInnerTexts()).toEqual(['cat', 'dog']);
    await page.getByText('In the picture: 1 × cat, 1 × dog').waitFor({ state: 'attached' });
    await page.getByText('ground_truth', { exact: true }).waitFor({ state: 'attached' });
    // The picture is as wide as its frame, so shares across are those of the canvas.
    await expect.poll(() => hasColour(page, '.canvas', [0.4, 0.5], 'cat')).toBe(true);
    await objects.nth(1).hover();
    await expect.poll(() => hasColour(page, '.canvas', [0.4, 0.5], 'cat')).toBe(false);
    await page.mouse.move(0, 0);
    await expect.poll(() => hasColour(page, '.canvas', [0.4, 0.5], 'cat')).toBe(true);
    await objects.nth(1).focus();
    await expect.poll(() => hasColour(page, '.canvas', [0.4, 0.5], 'cat')).toBe(false);
    await page.keyboard.press('a');
    await page.locator('.canvas canvas').waitFor({ state: 'detached' });
  });

  test('have their confidence in another field', async () => {
    const page = await all.open('/datasets/animals/samples/3');
    await page.getByRole('complementary').last().getByLabel('Field of annotations').selectOption('guesses');
    await page.getByRole('list', { name: 'Objects' }).getByText('0.75').waitFor();
  });
});

test('a job says how many annotations it has read, and what of them it could not use', async () => {
  const stray = await writeCoco(
    'stray.json',
    ['fox'],
    [
      { image: 4, label: 'fox', bbox: [90, 40, 20, 20] },
      { image: 4, label: 'fox', bbox: [90, 40, 0, 20] },
      { image: 900, label: 'fox', bbox: [90, 40, 20, 20] },
    ],
  );
  const options = { embed: false, annotations: { paths: [stray], field: 'stray' } };
  const { job_id } = await all.load('animals', join(all.sources, 'animals'), options);
  const page = await all.open(`/jobs/${job_id}`);
  const section = page.getByRole('region', { name: 'Annotations' });
  await section.getByText('stray.json (coco)').waitFor();
  await section.getByText('Images that the dataset does not have').click();
  await section.getByText('900.png').waitFor();
  await section.getByText('What could not be read').click();
  await section.locator('li').filter({ hasText: 'stray.json' }).waitFor();
  expect(await faultsOf(page, [['a job', `/jobs/${job_id}`, () => section.waitFor()]])).toEqual([]);
});

test('annotations are loaded from the page', async () => {
  const page = await all.open('/loads/new');
  await page.getByRole('combobox', { name: 'Folder' }).fill(join(all.sources, 'animals'));
  await page.getByRole('textbox', { name: 'Dataset' }).fill('from-the-page');
  await page.getByLabel('Model').selectOption('none');
  await page.getByText('Options').click();
  const paths = page.getByLabel('Files or folders of annotations');
  await paths.fill(join(all.sources, 'none.json'));
  await page.getByLabel('Format').selectOption('coco');
  await page.getByRole('textbox', { name: 'Field' }).fill('Not A Field');
  await page.getByRole('button', { name: 'Start loading' }).click();
  await page.getByText('must begin with a-z').first().waitFor();
  await paths.fill(join(all.sources, 'truth.json'));
  await page.getByRole('textbox', { name: 'Field' }).fill('people');
  await page.getByRole('button', { name: 'Start loading' }).click();
  await page.waitForURL('**/datasets/from-the-page');
  await tile(page, 0).locator('canvas').waitFor();
  await page.getByRole('complementary', { name: 'Classes' }).getByText('people').waitFor();
});

describe('every view of annotations', () => {
  const drawnTile = (page: Page) => tile(page, 0).locator('canvas').waitFor();
  const VIEWS: View[] = [
    ['a dataset', '/datasets/animals', drawnTile],
    ['a class', '/datasets/animals?label=cat', drawnTile],
    ['a sample', '/datasets/animals/samples/0', (page) => page.locator('.canvas canvas').waitFor()],
    [
      'a new load',
      '/loads/new',
      async (page) => {
        await page.getByText('Options').click();
        await page.getByLabel('Files or folders of annotations').fill('/data/a.json');
      },
    ],
  ];
  const WIDTHS = [
    ['320 pixels wide', { colorScheme: 'dark', viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true }],
    ['1440 pixels wide', { colorScheme: 'light', viewport: { width: 1440, height: 900 } }],
  ] as const;

  test.each([...LOOKS, ...WIDTHS])('is accessible, %s, and no wider than the window', async (_look, options) => {
    const page = await all.open('/datasets', options);
    expect(await faultsOf(page, VIEWS)).toEqual([]);
  });
});
