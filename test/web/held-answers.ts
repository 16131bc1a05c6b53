import type { Page } from 'playwright-core';
import { expect } from 'vitest';

/** Holds the answers to some requests until they are given, so that a view can be left while it waits for them. */
export async function heldAnswers(page: Page, isHeld: (url: URL, method: string) => boolean) {
  const { promise: given, resolve: give } = Promise.withResolvers<void>();
  let waiting = 0;
  const sent: Promise<void>[] = [];
  await page.route('**/*', async (route) => {
    const asked = route.request();
    if (!isHeld(new URL(asked.url()), asked.method())) return route.fallback();
    const response = await route.fetch();
    waiting += 1;
    await given;
    // The page may have given the request up.
    const sending = route.fulfill({ response }).catch(() => {});
    sent.push(sending);
    await sending;
  });
  return {
    /** Resolves when so many answers wait. */
    waiting: (answers: number) => expect.poll(() => waiting).toBe(answers),
    /** Gives the answers that wait, and holds none from now on. */
    async give() {
      give();
      await Promise.resolve();
      await Promise.all(sent);
    },
  };
}
