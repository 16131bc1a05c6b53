import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { makePictures } from '../support/pictures.ts';
import { openPageStack, type PageStack } from './page-stack.ts';

/** As long as a name may be. */
const LONG_NAME = 'a-dataset-with-a-very-long-name-that-goes-on-to-the-63rd-letter';

let all: PageStack;

beforeAll(async () => {
  all = await openPageStack();
  const few = join(all.sources, 'few');
  const empty = join(all.sources, 'empty');
  await Promise.all([makePictures(few, 8), mkdir(empty)]);
  await all.load(LONG_NAME, few);
  await all.load('empty', empty);
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

describe('a dataset that is not there', () => {
  test('says to who comes by its address why its load failed', async () => {
    const page = await all.open('/datasets/empty');
    await page.getByRole('heading', { name: 'The load of empty failed' }).waitFor();
    await page.getByText('SourceEmpty').waitFor();
  });

  test('says when it was deleted, or that nothing is known of it', async () => {
    await all.load('brief', join(all.sources, 'few'), { embed: false });
    const { job_id } = await all.ask<{ job_id: string }>('/api/datasets/brief', { method: 'DELETE' });
    await all.get(`/api/loads/${job_id}/wait?timeout=30`);
    const page = await all.open('/datasets/brief');
    await page.getByText('It was deleted just now.').waitFor();
    await page.goto('/datasets/never');
    await page.getByText('It was deleted, or never loaded.').waitFor();
  });
});

describe('the menu of a dataset', () => {
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

test('an address that leads nowhere is in no area of the page', async () => {
  const page = await all.open('/loads/a/b');
  await page.getByRole('heading', { name: 'There is nothing here' }).waitFor();
  expect(await page.locator('nav [aria-current]').count()).toBe(0);
});
