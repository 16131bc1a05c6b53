import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Dataset, Sample } from '../../web/src/api/shapes.ts';
import { makePictures } from '../support/pictures.ts';
import { faultsOf, LOOKS, type View } from './looks.ts';
import { openPageStack, type PageStack } from './page-stack.ts';

const SAMPLES = join(process.cwd(), 'test/media/documents/samples');
const SECTIONS = 160;
const sentences = (word: string) =>
  Array.from({ length: 6 }, (_, i) => `Sentence ${i} about the ${word} says what everybody aboard knows.`).join(' ');
/** A document of more chunks than the reader holds. */
const GUIDE = `# Guide\n\n${Array.from({ length: SECTIONS }, (_, n) => `## Part ${n}\n\nThis is the part numbered ${n}. ${sentences(`ship ${n}`)}\n`).join('\n')}`;
const SAILING =
  '# Sailing\n\nAbout boats.\n\n## Gales\n\nReefing keeps a yacht upright in a gale.\n\n## Calms\n\nThe skipper waits, and whistles for a wind.\n';
const HEBREW = 'שלום עולם. הספינה יצאה עם שחר, והים היה שקט.';
const CODE = 'def resume(job):\n    if job.paused:\n        job.go_on()\n    return job\n';

let all: PageStack;
let manuals: string;

beforeAll(async () => {
  all = await openPageStack();
  manuals = join(all.sources, 'manuals');
  await mkdir(manuals);
  const files = { 'guide.md': GUIDE, 'sailing.md': SAILING, 'shalom.txt': HEBREW, 'resume.py': CODE, 'empty.txt': '' };
  for (const [name, text] of Object.entries(files)) await writeFile(join(manuals, name), text);
  await copyFile(join(SAMPLES, 'paper.pdf'), join(manuals, 'paper.pdf'));
  await all.load('manuals', manuals);
});

afterEach(async () => {
  for (const context of all.browser.contexts()) await context.close();
  expect(all.complaints.splice(0)).toEqual([]);
});

afterAll(() => all?.stop());

const wordsBox = (page: Page) => page.getByRole('searchbox', { name: 'Search in the text' });
const mode = (page: Page) => page.getByLabel('Search by', { exact: true });
const first = (page: Page) => page.locator('#place-0');
const reader = (page: Page) => page.getByRole('region', { name: /^Text of / });
const lit = (page: Page) => reader(page).locator('.lit');

async function samplesWhere(query: string, dataset = 'manuals'): Promise<Sample[]> {
  const { samples } = await all.get<{ samples: Sample[] }>(
    `/api/datasets/${dataset}/samples?${query}${query.includes('limit=') ? '' : '&limit=1000'}`,
  );
  return samples;
}
const textOf = ({ metadata }: Sample) => (metadata !== null && 'text' in metadata ? metadata.text : '');
/** The number of the chunk of the guide that begins a part of it. */
async function partOf(n: number): Promise<number> {
  const found = (await samplesWhere('q=guide.md')).find((sample) => textOf(sample).includes(`numbered ${n}.`));
  return found?.seq as number;
}
/** How far the top of an element is below that of the reader. */
const topIn = (page: Page, text: string) =>
  reader(page).evaluate((box, words) => {
    type Box = { getBoundingClientRect(): { top: number } };
    type Element = Box & { textContent: string; querySelectorAll(selector: string): Iterable<Element> };
    const own = box as unknown as Element;
    const found = [...own.querySelectorAll('.paragraph')].find((each) => each.textContent.includes(words));
    return found === undefined ? undefined : found.getBoundingClientRect().top - own.getBoundingClientRect().top;
  }, text);

/** Scrolls to an end. Returns how the first paragraph begins. */
const scrollTo = (page: Page, to: 'top' | 'bottom') =>
  reader(page).evaluate((box, end) => {
    type Scroller = {
      scrollTop: number;
      scrollHeight: number;
      querySelector(selector: string): { textContent: string };
    };
    const own = box as unknown as Scroller;
    own.scrollTop = end === 'top' ? 0 : own.scrollHeight;
    return own.querySelector('.paragraph').textContent.slice(0, 40);
  }, to);
/** The numbers of the parts that the reader holds, in order. */
const numbersIn = async (page: Page) =>
  (await reader(page).locator('.paragraph').allInnerTexts()).flatMap((text) =>
    [...text.matchAll(/numbered (\d+)\./g)].map(([, n]) => Number(n)),
  );

describe('the grid', () => {
  test('shows chunks as cards: their document, their headings, their page, and the beginning of their text', async () => {
    const page = await all.open('/datasets/manuals?q=sailing');
    const gales = page.locator('.cell', { hasText: 'Reefing' });
    await gales.waitFor();
    expect(await gales.locator('.name').innerText()).toBe('sailing.md');
    expect(await gales.locator('.above').innerText()).toBe('Sailing › Gales');
    // The heading is not repeated.
    expect(await gales.locator('.text').innerText()).toBe('Reefing keeps a yacht upright in a gale.');
    expect(await page.locator('.cell img').count()).toBe(0);

    await page.goto('/datasets/manuals?format=pdf');
    await page.locator('.cell', { hasText: 'Seasons' }).getByText('page 1').waitFor();
    await page.goto('/datasets/manuals?status=failed');
    await page.locator('.cell', { hasText: 'empty.txt' }).getByText('Empty file').waitFor();
  });

  test('speaks of chunks and documents, and filters by what they have', async () => {
    const page = await all.open('/datasets/manuals');
    const chunks = (await samplesWhere('status=indexed')).length;
    await page.getByText(`${chunks + 1} chunks`, { exact: true }).waitFor();
    await page.getByText('6 documents', { exact: true }).waitFor();
    await page.getByText(`${chunks} chunks`, { exact: true }).waitFor();
    await page.getByLabel('Format').selectOption({ label: 'Code' });
    await page.waitForURL('**?format=code');
    await expect.poll(() => page.locator('.cell').count()).toBe(1);
    await page.getByLabel('Format').selectOption('pdf');
    await page.getByText('Size and folder').click();
    await page.getByLabel('Page, at least').fill('2');
    await page.getByText('Nothing matches').waitFor();
    expect(await page.getByLabel('Width, pixels, at least').count()).toBe(0);
  });

  test('is used by keys, and its size is chosen', async () => {
    const page = await all.open('/datasets/manuals');
    await first(page).waitFor();
    const columns = () => page.getByRole('grid').getAttribute('aria-colcount');
    expect(await columns()).toBe('3');
    await page.getByRole('button', { name: 'large cards' }).click();
    await expect.poll(columns).toBe('2');
    await page.getByRole('button', { name: 'rows' }).click();
    await expect.poll(columns).toBe('1');
    await page.getByRole('grid').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Space');
    await page.keyboard.press('Shift+ArrowDown');
    await page.getByText('2 chunks selected').waitFor();
    await page.keyboard.press('t');
    await page.keyboard.type('read');
    await page.keyboard.press('Enter');
    await page.getByText('2 chunks have changed.').first().waitFor();
    expect((await samplesWhere('tag=read')).map(({ seq }) => seq)).toEqual([1, 2]);
    await page.keyboard.press('Escape');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/samples/2');
  });
});

describe('a search', () => {
  test('shows the passages with their words marked, and tells how each was found', async () => {
    const page = await all.open('/datasets/manuals');
    await wordsBox(page).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('how does reefing keep yachts upright?');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/datasets/manuals?words=how+does+reefing+keep+yachts+upright%3F');
    await page.getByText('by spelling and words').waitFor();
    await first(page).getByText('sailing.md').waitFor();
    expect(await first(page).locator('mark').allInnerTexts()).toEqual(['Reefing', 'keeps', 'yacht', 'upright']);
    await first(page).hover();
    await expect.poll(() => first(page).locator('.score').innerText()).toBe('spelling #1 · words #1');
  });

  test('is made by words or vectors alone, which the address keeps', async () => {
    const page = await all.open('/datasets/manuals?words=whistles');
    await first(page).getByText('sailing.md').waitFor();
    await mode(page).selectOption('words');
    await page.waitForURL('**?words=whistles&mode=words');
    await page.getByText(/Found for .*by words/).waitFor();
    await expect.poll(() => page.locator('.cell').count()).toBe(1);
    await mode(page).selectOption('vector');
    await page.waitForURL('**?words=whistles&mode=vector');
    await expect.poll(() => first(page).locator('.score').getAttribute('title')).toMatch(/^cosine 0\.\d{4}$/);
    await page.goBack();
    await page.waitForURL('**?words=whistles&mode=words');
    await expect.poll(() => mode(page).inputValue()).toBe('words');
    await page.reload();
    await expect.poll(() => page.locator('.cell').count()).toBe(1);
    await wordsBox(page).fill('xylophone');
    await page.keyboard.press('Enter');
    await page.waitForURL('**?words=xylophone&mode=words');
    await page.getByText('Nothing matches').waitFor();
  });

  test('works by words before there are vectors, and says so; pictures are no query', async () => {
    await all.load('unembedded', manuals, { embed: false });
    const page = await all.open('/datasets/unembedded?words=reefing');
    await first(page).locator('mark').first().waitFor();
    await page.getByText('Words only: the chunks have no vectors yet').waitFor();
    expect(await mode(page).locator('option[value="vector"]').isDisabled()).toBe(true);
    expect(await page.getByRole('button', { name: 'Search by a picture' }).count()).toBe(0);
    await page.goto('/datasets/manuals');
    await page.getByText('plimsoll models fetch minilm-l6-v2').waitFor();
    expect(await page.getByRole('button', { name: 'Search by a picture' }).count()).toBe(0);
    const data = await page.evaluateHandle(
      "(() => { const data = new DataTransfer(); data.items.add(new File(['a'], 'a.png', { type: 'image/png' })); return data; })()",
    );
    await page.getByRole('grid').dispatchEvent('dragover', { dataTransfer: data });
    await page.getByRole('grid').dispatchEvent('drop', { dataTransfer: data });
    expect(await page.getByText('Drop the picture').count()).toBe(0);
    expect(page.url()).not.toContain('picture');
  });
});

describe('the reader', () => {
  test('opens a hit at its passage, with the words marked, and goes on to the next hit', async () => {
    const page = await all.open('/datasets/manuals?words=numbered+150&mode=words');
    await first(page).getByText('Part 150').waitFor();
    await first(page).click();
    await lit(page).first().waitFor();
    expect((await lit(page).allTextContents()).join('')).toContain('This is the part numbered 150.');
    await expect.poll(() => lit(page).locator('mark').count()).toBeGreaterThan(1);
    expect(new Set(await lit(page).locator('mark').allInnerTexts())).toEqual(new Set(['numbered', '150']));
    await reader(page).getByRole('heading', { name: 'Part 150', level: 4 }).waitFor();
    await expect.poll(() => topIn(page, 'numbered 150.')).toBeGreaterThan(0);
    expect(await topIn(page, 'numbered 150.')).toBeLessThan(400);
    await page.getByText(/^Hit 1 of \d+/).waitFor();

    await page.keyboard.press('ArrowRight');
    await page.getByText(/^Hit 2 of \d+/).waitFor();
    await expect.poll(async () => (await lit(page).allTextContents()).join('')).not.toContain('numbered 150.');
    await page.keyboard.press('Escape');
    await page.waitForURL('**/datasets/manuals?words=numbered+150&mode=words');
    await expect.poll(() => page.getByRole('grid').getAttribute('aria-activedescendant')).toBe('place-1');
  });

  test('steps from chunk to chunk, within a text that stays', async () => {
    const page = await all.open(`/datasets/manuals/samples/${await partOf(80)}`);
    await lit(page).first().waitFor();
    await page.keyboard.press('j');
    await expect.poll(async () => (await lit(page).allTextContents()).join('')).toContain('numbered 81.');
    await page.keyboard.press('k');
    await expect.poll(async () => (await lit(page).allTextContents()).join('')).toContain('numbered 80.');
  });

  test('reads on at both ends, where the text stays in its place, and holds a bounded part of it', async () => {
    const page = await all.open(`/datasets/manuals/samples/${await partOf(80)}`);
    await lit(page).first().waitFor();
    expect(await reader(page).getByText('numbered 0.').count()).toBe(0);
    const scroll = (to: 'top' | 'bottom') => scrollTo(page, to);
    const scrolled = () => reader(page).evaluate((box) => (box as unknown as { scrollTop: number }).scrollTop);
    await expect.poll(() => topIn(page, 'numbered 80.')).toBeGreaterThan(0);
    await expect.poll(() => topIn(page, 'numbered 80.')).toBeLessThan(400);
    // All that is read on above the window does not move what is in it.
    const topmost = await scroll('top');
    await expect.poll(scrolled).toBeGreaterThan(1000);
    await expect.poll(async () => Math.abs((await topIn(page, topmost)) ?? 1e9)).toBeLessThan(300);
    await expect
      .poll(async () => {
        await scroll('bottom');
        return reader(page)
          .getByText(`numbered ${SECTIONS - 1}.`)
          .count();
      })
      .toBe(1);
    const held = () => reader(page).locator('.paragraph').count();
    expect(await held()).toBeLessThan(SECTIONS);
    await expect
      .poll(async () => {
        await scroll('top');
        return reader(page).getByText('numbered 0.').count();
      })
      .toBe(1);
    await expect.poll(held).toBeLessThan(SECTIONS);
    // Every part is there once, in order.
    const numbers = await numbersIn(page);
    expect(numbers).toEqual(numbers.map((_, n) => n));
  });

  test('reads a document anew that a load has changed meanwhile', async () => {
    const folder = join(all.sources, 'changing');
    await mkdir(folder);
    await writeFile(join(folder, 'guide.md'), GUIDE);
    await all.load('changing', folder, { embed: false });
    const [chunk] = await samplesWhere('q=guide&limit=1&after=80', 'changing');
    const page = await all.open(`/datasets/changing/samples/${chunk?.seq}`);
    await lit(page).first().waitFor();
    const preface = Array.from({ length: 9 }, (_, n) => `## Preface ${n}\n\n${sentences(`sea ${n}`)}\n`).join('\n');
    await writeFile(join(folder, 'guide.md'), GUIDE.replace('# Guide\n', `# Guide\n\n${preface}`));
    await all.load('changing', folder, { embed: false });
    await expect
      .poll(async () => {
        await scrollTo(page, 'bottom');
        return reader(page)
          .getByText(`numbered ${SECTIONS - 1}.`)
          .count();
      })
      .toBe(1);
    const numbers = await numbersIn(page);
    expect(numbers).toEqual(numbers.map((_, n) => (numbers[0] ?? 0) + n));
  });

  test('shows right-to-left text and code as they are', async () => {
    const [hebrew] = await samplesWhere('q=shalom');
    const page = await all.open(`/datasets/manuals/samples/${hebrew?.seq}`);
    await lit(page).first().waitFor();
    const styleOf = (name: string) =>
      reader(page)
        .locator('.paragraph')
        .first()
        .evaluate((element, property) => {
          const { getComputedStyle } = globalThis as unknown as {
            getComputedStyle(of: unknown): Record<string, string>;
          };
          return getComputedStyle(element)[property];
        }, name);
    expect(await styleOf('direction')).toBe('rtl');
    const [code] = await samplesWhere('format=code');
    await page.goto(`/datasets/manuals/samples/${code?.seq}`);
    await reader(page).getByText('job.go_on()').waitFor();
    expect(await styleOf('fontFamily')).toMatch(/mono/i);
    expect(await reader(page).locator('.paragraph').first().textContent()).toBe(CODE.trimEnd());
  });

  test('marks pages, and opens the PDF at the page', async () => {
    const [chunk] = await samplesWhere('format=pdf');
    const page = await all.open(`/datasets/manuals/samples/${chunk?.seq}`);
    await reader(page).getByText('page 1', { exact: true }).waitFor();
    const link = page.getByRole('link', { name: 'Original file, page 1' });
    const address = await link.getAttribute('href');
    expect(address).toMatch(/\/file\?v=.*#page=1$/);
    const response = await fetch(`${all.url}${address}`);
    expect(response.headers.get('content-type')).toBe('application/pdf');
    await response.body?.cancel();
  });

  test('says why its file is not served: it has changed, or could not be read', async () => {
    const [sailing] = await samplesWhere('path_prefix=manuals/sailing.md');
    await writeFile(join(manuals, 'sailing.md'), SAILING);
    const page = await all.open(`/datasets/manuals/samples/${sailing?.seq}`);
    await page.getByText('The file has changed since it was read.').waitFor();
    expect(await page.getByRole('link', { name: 'Original file' }).count()).toBe(0);
    const [failed] = await samplesWhere('status=failed');
    await page.goto(`/datasets/manuals/samples/${failed?.seq}`);
    await page.getByText('The text of the file could not be read (empty_file).').waitFor();
    expect(await page.getByText('Original file').count()).toBe(0);
  });

  test('tells why there is no text', async () => {
    const [failed] = await samplesWhere('status=failed');
    const page = await all.open(`/datasets/manuals/samples/${failed?.seq}`);
    await page.getByText('The text of the file could not be read (empty_file).').waitFor();
  });
});

describe('a load', () => {
  test('chooses documents and the size of their chunks', async () => {
    const page = await all.open('/loads/new');
    await page.getByLabel('Folder', { exact: true }).fill(manuals);
    await page.getByLabel('Dataset', { exact: true }).fill('small-chunks');
    await page.getByRole('radio', { name: 'Images' }).check();
    await page.getByText('Options').click();
    expect(await page.getByLabel('At most').count()).toBe(0);
    await page.getByRole('radio', { name: 'Documents' }).check();
    await page.getByLabel('Unit').selectOption('characters');
    await page.getByLabel('At most').fill('20000000');
    await page.getByRole('button', { name: 'Start loading' }).click();
    await page.locator('#chunks-problem').waitFor();
    await page.getByLabel('At most').fill('120');
    await page.getByLabel('overlapping by').fill('0');
    await page.getByRole('button', { name: 'Start loading' }).click();
    await page.waitForURL('**/datasets/small-chunks');
    await page.locator('article').first().waitFor();
    await expect
      .poll(async () => (await samplesWhere('q=sailing', 'small-chunks')).map((sample) => textOf(sample).length))
      .toSatisfy((lengths: number[]) => lengths.length > 0 && Math.max(...lengths) <= 120);
  });

  test('that can not tell pictures from documents offers both', async () => {
    const mixed = join(all.sources, 'mixed');
    await makePictures(mixed, 2);
    await writeFile(join(mixed, 'manual.md'), '# Manual\n\nRead me first.');
    await all.load('mixed', mixed);
    const page = await all.open('/datasets/mixed');
    await page.getByText('MediumUnclear').waitFor();
    await page.getByRole('button', { name: 'Load the images' }).waitFor();
    await page.getByRole('button', { name: 'Load the documents' }).click();
    await page.locator('article', { hasText: 'Read me first.' }).waitFor();
    expect(await all.get<Dataset>('/api/datasets/mixed')).toMatchObject({ media_type: 'text' });
  });
});

test.each(LOOKS)('is accessible and fits, %s', async (_, look) => {
  const page = await all.open('/', look);
  const seq = await partOf(80);
  const views: View[] = [
    ['the list', '/', (page) => page.locator('.sheet').first().waitFor()],
    ['the grid', '/datasets/manuals', (page) => page.locator('article').first().waitFor()],
    ['a search', '/datasets/manuals?words=reefing', (page) => first(page).locator('mark').first().waitFor()],
    [
      'a document',
      `/datasets/manuals/samples/${seq}?words=ship`,
      (page) => lit(page).locator('mark').first().waitFor(),
    ],
    [
      'the form',
      '/loads/new',
      async (page) => {
        await page.getByText('Options').click();
        await page.getByLabel('At most').waitFor();
      },
    ],
  ];
  expect(await faultsOf(page, views)).toEqual([]);
});
