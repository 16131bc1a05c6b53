import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ArtifactChunk, chunkOf } from '../../core/artifact/artifact-chunk.ts';
import { joinPieces, parseFrame } from '../../core/artifact/frame.ts';
import { FRAME_RATE } from '../../core/artifact/mp4.ts';
import { readCode } from '../../core/artifact/qr-code.ts';
import { launchChromium } from '../support/chromium.ts';
import { testFolder } from './samples.ts';
import { sentences, write } from './writing.ts';

const ADDRESS = 'http://artifact.test/';
const CHUNKS = sentences(20);

const PLAYER = `<video muted></video><script>
  const video = document.querySelector('video');
  const happens = (name) => new Promise((resolve, reject) => {
    video.addEventListener(name, resolve, { once: true });
    video.onerror = () => reject(new Error(video.error.message));
  });
  async function load() {
    const loaded = happens('loadeddata');
    video.src = URL.createObjectURL(await (await fetch('memory.mp4')).blob());
    await loaded;
    return { width: video.videoWidth, height: video.videoHeight, seconds: video.duration };
  }
  /** Returns the brightness of each pixel of the picture at that time. */
  async function pictureAt(second) {
    const seeked = happens('seeked');
    video.currentTime = second;
    await seeked;
    const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight).getContext('2d');
    canvas.drawImage(video, 0, 0);
    return [...canvas.getImageData(0, 0, video.videoWidth, video.videoHeight).data].filter((_, at) => at % 4 === 0);
  }
  async function play() {
    video.currentTime = 0;
    video.playbackRate = 4;
    const ended = happens('ended');
    await video.play();
    await ended;
    return video.currentTime;
  }
</script>`;

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser.close());

it('plays in a browser to its end, and its pictures hold the chunks', async () => {
  const target = join(await testFolder(), 'memory.mp4');
  const { frames } = await write(target, CHUNKS);
  const body = await readFile(target);
  const page = await browser.newPage();
  await page.route(`${ADDRESS}**`, (route) =>
    route.request().url().endsWith('.mp4')
      ? route.fulfill({ body, contentType: 'video/mp4' })
      : route.fulfill({ body: PLAYER, contentType: 'text/html' }),
  );
  await page.goto(ADDRESS);
  const seconds = frames / FRAME_RATE;
  expect(await page.evaluate('load()')).toEqual({ width: 128, height: 128, seconds });

  // The first and the last frame hold the manifest.
  for (const chunk of CHUNKS) {
    // Chromium shows the frame that begins nearest to the time.
    const second = (chunk.n + 1.1) / FRAME_RATE;
    // On a busy machine, the event "seeked" comes before the picture.
    await expect.poll(async () => chunkIn(await page.evaluate<number[]>(`pictureAt(${second})`))).toEqual(chunk);
  }
  expect(await page.evaluate('play()')).toBe(seconds);
});

async function chunkIn(grey: number[]): Promise<ArtifactChunk> {
  const text = await readCode({ width: 128, height: 128, grey: Uint8Array.from(grey) });
  const { number, body } = parseFrame(text ?? '');
  return chunkOf(number, joinPieces([body]));
}
