import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { chunkOf } from '../../core/artifact/artifact-chunk.ts';
import { joinPieces, parseFrame } from '../../core/artifact/frame.ts';
import { FRAME_RATE } from '../../core/artifact/mp4.ts';
import { readCode } from '../../core/artifact/qr-code.ts';
import { launchChromium } from '../support/chromium.ts';
import { testFolder } from './samples.ts';
import { sentences, write } from './writing.ts';

const ADDRESS = 'http://artifact.test/';
const CHUNKS = sentences(20);

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser.close());

it('plays in a browser to its end, whose pictures hold the chunks', async () => {
  const target = join(await testFolder(), 'memory.mp4');
  const { frames } = await write(target, CHUNKS);
  const video = await readFile(target);
  const page = await browser.newPage();
  await page.route(`${ADDRESS}**`, (route) =>
    route.request().url().endsWith('.mp4')
      ? route.fulfill({ body: video, contentType: 'video/mp4' })
      : route.fulfill({ body: '<video muted></video>', contentType: 'text/html' }),
  );
  await page.goto(ADDRESS);

  const facts = await page.evaluate(async () => {
    const element = document.querySelector('video') as HTMLVideoElement;
    const loaded = new Promise((resolve, reject) => {
      element.onloadeddata = resolve;
      element.onerror = () => reject(new Error(element.error?.message));
    });
    element.src = URL.createObjectURL(await (await fetch('memory.mp4')).blob());
    await loaded;
    return { width: element.videoWidth, height: element.videoHeight, seconds: element.duration };
  });
  expect(facts).toEqual({ width: 128, height: 128, seconds: frames / FRAME_RATE });

  const read = [];
  for (let frame = 0; frame < frames; frame += 1) {
    const grey = await page.evaluate(
      async (second) => {
        const element = document.querySelector('video') as HTMLVideoElement;
        const seeked = new Promise((resolve) => {
          element.onseeked = resolve;
        });
        element.currentTime = second;
        await seeked;
        const canvas = document.createElement('canvas');
        canvas.width = element.videoWidth;
        canvas.height = element.videoHeight;
        const context = canvas.getContext('2d') as CanvasRenderingContext2D;
        context.drawImage(element, 0, 0);
        const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
        return [...data].filter((_, at) => at % 4 === 0);
      },
      (frame + 0.5) / FRAME_RATE,
    );
    const { kind, number, body } = parseFrame(
      (await readCode({ width: 128, height: 128, grey: Uint8Array.from(grey) })) ?? '',
    );
    if (kind === 'chunk') read.push(chunkOf(number, joinPieces([body])));
  }
  expect(read).toEqual(CHUNKS);

  const end = await page.evaluate(async () => {
    const element = document.querySelector('video') as HTMLVideoElement;
    element.currentTime = 0;
    element.playbackRate = 4;
    const ended = new Promise((resolve, reject) => {
      element.onended = resolve;
      element.onerror = () => reject(new Error(element.error?.message));
    });
    await element.play();
    await ended;
    return element.currentTime;
  });
  expect(end).toBe(facts.seconds);
});
