/**
 * A decoder process: reads files, hashes them, and decodes them into frames, for the worker that forked it. There are
 * several, because the threads of one process wait for each other's memory: libvips gives some 600 images a second in one
 * process, however many cores there are. It is independent of any medium: a message names the module that decodes.
 */
import process from 'node:process';
import { ItemError } from '../core/media/item-error.ts';
import type { Decoder, OpenDecoder } from '../core/media/preparation.ts';
import { type PortableError, toPortable } from '../core/models/errors.ts';
import { keepCompiled } from '../core/processes/keep-compiled.ts';
import { beginChild, reply } from './child.ts';
import { createFileReader, type FileReader } from './file-reader.ts';
import { writeFrame } from './frames.ts';
import { type DecodeOrder, type DecoderReply, type DecoderRequest, FRAMES_FD } from './messages.ts';

const beating = beginChild();

const ALIVE_EVERY_MS = 1000;
let aliveAt = Number.NEGATIVE_INFINITY;

const reader = Promise.withResolvers<FileReader>();
const decoder = Promise.withResolvers<Decoder>();
let itemBytes = 0;
/** Items that wait for memory. */
const waiting = new Map<number, () => void>();
let decoded: (DecoderReply & { type: 'decoded' })['items'] = [];

process.on('message', (request: DecoderRequest) => {
  switch (request.type) {
    case 'begin':
      return void begin(request);
    case 'open':
      return void open(request);
    case 'read':
      return void read(request);
    case 'decode':
      for (const order of request.orders) void decode(order);
      return;
    case 'forget':
      return void reader.promise.then(({ forget }) => request.keys.forEach(forget));
    case 'memory':
      waiting.get(request.key)?.();
      waiting.delete(request.key);
  }
});

async function begin({ share }: DecoderRequest & { type: 'begin' }): Promise<void> {
  await beating;
  reader.resolve(createFileReader(share));
  await reply<DecoderReply>({ type: 'ready' });
}

async function open({ decoding, threads }: DecoderRequest & { type: 'open' }): Promise<void> {
  try {
    const { openDecoder } = (await import(decoding.module)) as { openDecoder: OpenDecoder };
    itemBytes = decoding.itemBytes;
    decoder.resolve(await openDecoder({ options: decoding.options, threads }));
  } catch (error) {
    await reply<DecoderReply>({ type: 'refused', error: toPortable(error) });
  }
}

async function read({ id, files }: DecoderRequest & { type: 'read' }): Promise<void> {
  aliveAt = performance.now();
  const { hash } = await reader.promise;
  const contents = await Promise.all(
    files.map(({ key, path }) => hash(key, path, isAlive).catch(toPortable).finally(isAlive)),
  );
  await reply<DecoderReply>({ type: 'read', id, contents });
}

/** Tells the worker about once a second that files are being read, however large they are. */
function isAlive(): void {
  if (performance.now() - aliveAt < ALIVE_EVERY_MS) return;
  aliveAt = performance.now();
  void reply<DecoderReply>({ type: 'alive' });
}

async function decode(order: DecodeOrder): Promise<void> {
  const { key } = order;
  try {
    const content = await decodeInto(order);
    answer({ key, content });
  } catch (error) {
    answer({ key, error: failureOf(error) });
  }
}

async function decodeInto(order: DecodeOrder): Promise<string> {
  const { key, frame } = order;
  const read = await (await reader.promise).read(order);
  try {
    const opened = await decoder.promise;
    const item = await opened.decode(
      read.input,
      () => void reply<DecoderReply>({ type: 'late', key }),
      (bytes) => untilMemory(key, bytes),
    );
    await read.done();
    if (item.length !== itemBytes) throw new Error(`an item of ${item.length} bytes was decoded, not of ${itemBytes}`);
    writeFrame(FRAMES_FD, frame, item);
    return read.content;
  } catch (error) {
    await read.done().catch(() => undefined);
    throw error;
  }
}

function untilMemory(key: number, bytes: number): Promise<void> {
  return new Promise((resolve) => {
    waiting.set(key, resolve);
    void reply<DecoderReply>({ type: 'heavy', key, bytes });
  });
}

/** Items that are ready at the same time share a message. */
function answer(item: (typeof decoded)[number]): void {
  if (decoded.push(item) > 1) return;
  setImmediate(() => {
    const items = decoded;
    decoded = [];
    void reply<DecoderReply>({ type: 'decoded', items });
    keepCompiled();
  });
}

function failureOf(error: unknown): PortableError {
  return { code: error instanceof ItemError ? error.code : 'decode_failed', message: (error as Error).message };
}
