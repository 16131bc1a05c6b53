import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';

/** How a page may be looked at. */
export const LOOKS = [
  ['light', { colorScheme: 'light' }],
  ['dark', { colorScheme: 'dark' }],
  ['on a phone', { colorScheme: 'light', viewport: { width: 375, height: 740 }, hasTouch: true, isMobile: true }],
] as const;

/** A view: its name, its address, and what to await or do before it is looked at. */
export type View = [name: string, path: string, ready: (page: Page) => Promise<unknown>];

const axe = readFileSync(join(process.cwd(), 'node_modules/axe-core/axe.min.js'), 'utf8');

/** For all elements that comply, axe-core would also find names and reasons, which nobody reads. */
const ONLY_VIOLATIONS = "{ resultTypes: ['violations'] }";

/** Returns axe-core's violations in each view, and how far each view exceeds the window's width. */
export async function faultsOf(page: Page, views: readonly View[]): Promise<string[]> {
  const found: string[] = [];
  for (const [name, path, ready] of views) {
    await page.goto(path);
    await ready(page);
    await page.evaluate(axe);
    const violations = await page.evaluate<string[]>(`axe.run(${ONLY_VIOLATIONS}).then(({ violations }) =>
      violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ target }) => target.join(' ')).join(', ')))`);
    found.push(...violations.map((violation) => `${name}: ${violation}`));
    const excess = await page.evaluate<number>('document.documentElement.scrollWidth - window.innerWidth');
    if (excess > 0) found.push(`${name}: ${excess} pixels too wide`);
  }
  return found;
}
