import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { OriginContext } from './origin.ts';

/** An offline machine, or a firewall that drops packets, must not delay the next origin. */
const ANSWER_WITHIN_MS = 5_000;
const STALLED_AFTER_MS = 30_000;
const MB = 1_000_000;

/** Downloads a file and checks it. Rejects with the reason: no answer, stalled, an HTTP status, a wrong checksum. */
export async function download(url: string, file: string, sha256: string, context: OriginContext): Promise<void> {
  const watchdog = new AbortController();
  let timer = setTimeout(() => watchdog.abort(new Error('no answer within 5 s')), ANSWER_WITHIN_MS);
  const signal = context.signal ? AbortSignal.any([context.signal, watchdog.signal]) : watchdog.signal;
  try {
    const response = await fetch(url, { signal });
    if (!response.ok || !response.body) throw new Error(`HTTP status ${response.status}`);
    const total = Number(response.headers.get('content-length') ?? 0);
    let received = 0;
    await pipeline(
      Readable.fromWeb(response.body),
      async function* watch(chunks: AsyncIterable<Uint8Array>) {
        for await (const chunk of chunks) {
          clearTimeout(timer);
          timer = setTimeout(() => watchdog.abort(new Error('the download stalled')), STALLED_AFTER_MS);
          received += chunk.length;
          context.progress(`${megabytes(received)}${total > 0 ? ` of ${megabytes(total)}` : ''} MB`);
          yield chunk;
        }
      },
      createWriteStream(file),
    );
  } catch (error) {
    throw watchdog.signal.aborted ? watchdog.signal.reason : error;
  } finally {
    clearTimeout(timer);
  }
  await expectSha256(file, sha256);
}

/** Checks the SHA-256 of a file. @throws Error if it differs */
export async function expectSha256(file: string, expected: string): Promise<void> {
  const actual = await sha256Of(file);
  if (actual !== expected) throw new Error(`its SHA-256 is ${actual}, not ${expected} as it should be`);
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

function megabytes(bytes: number): string {
  return (bytes / MB).toFixed(0);
}
