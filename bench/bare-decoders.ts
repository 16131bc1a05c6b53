/**
 * The floor of decoding: processes with one thread each, which decode and resize their share of the files and keep
 * nothing. Prints images per second, without their start.
 *
 *     node bench/bare-decoders.ts IMAGES_FOLDER COUNT PROCESSES
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { imagesIn } from './images-in.ts';

const SIDE = 224;

/** Decodes files as CLIP takes them, in `processes` processes, and returns images per second. */
export async function measureBareDecoders(paths: readonly string[], processes: number): Promise<number> {
  const children = Array.from({ length: processes }, () =>
    fork(fileURLToPath(import.meta.url), ['share'], { env: { ...process.env, UV_THREADPOOL_SIZE: '1' } }),
  );
  try {
    const shares = children.map((_, n) => paths.filter((_path, place) => place % processes === n));
    const run = (child: ChildProcess, share: readonly string[]) => {
      child.send(share);
      return once(child, 'message');
    };
    await Promise.all(children.map((child, n) => run(child, (shares[n] as string[]).slice(0, 32))));
    const started = performance.now();
    await Promise.all(children.map((child, n) => run(child, shares[n] as string[])));
    return (paths.length * 1000) / (performance.now() - started);
  } finally {
    for (const child of children) child.disconnect();
  }
}

async function decodeShare(share: readonly string[]): Promise<void> {
  const waiting = share.values();
  const decodeUntilDone = async () => {
    for (const path of waiting)
      await sharp(path, { autoOrient: true }).resize(SIDE, SIDE, { fit: 'cover', kernel: 'cubic' }).raw().toBuffer();
  };
  await Promise.all([decodeUntilDone(), decodeUntilDone()]);
}

if (import.meta.main) {
  const [folder, count, processes] = process.argv.slice(2);
  if (folder === 'share') {
    sharp.concurrency(1);
    sharp.cache(false);
    process.on('message', (share: string[]) => void decodeShare(share).then(() => process.send?.('done')));
    process.on('disconnect', () => process.exit());
  } else if (folder === undefined || processes === undefined) {
    console.error('usage: node bench/bare-decoders.ts IMAGES_FOLDER COUNT PROCESSES');
    process.exit(2);
  } else {
    const imagesPerSecond = await measureBareDecoders(await imagesIn(folder, Number(count)), Number(processes));
    console.log(JSON.stringify({ what: `bare sharp: ${processes} processes of a thread`, imagesPerSecond }));
  }
}
