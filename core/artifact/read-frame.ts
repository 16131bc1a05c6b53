import { decodeStill } from './av1-still.ts';
import { type Frame, FrameError, parseFrame } from './frame.ts';
import { readCode } from './qr-code.ts';
import type { Video } from './video.ts';

/** As many as libuv has threads: they decode pictures while this thread reads codes. */
const AHEAD = 4;

/** @throws FrameError that says in half a sentence what is wrong with the frame */
export async function readFrame(video: Video, frame: number): Promise<Frame> {
  const sample = await video.sampleAt(frame).catch(damaged);
  if (sample === undefined) throw new FrameError('damaged', 'the file ends before it');
  const pixels = await decodeStill(sample, video.width, video.height).catch(damaged);
  const text = await readCode(pixels);
  if (text === undefined) throw new FrameError('damaged', 'it holds no readable code');
  return parseFrame(text);
}

function damaged(error: Error): never {
  throw new FrameError('damaged', `it can't be decoded (${error.message.split('\n')[0]})`);
}

/** A frame, or what is wrong with it. */
export type FrameOrError = readonly [frame: number, content: Frame | FrameError];

/** Reads frames in the order given. */
export function readFrames(video: Video, frames: Iterable<number>): AsyncGenerator<FrameOrError> {
  return readAhead(frames, async (frame) => {
    try {
      return [frame, await readFrame(video, frame)] as const;
    } catch (error) {
      if (error instanceof FrameError) return [frame, error] as const;
      throw error;
    }
  });
}

/** Does something for a few items at a time and yields the results in order. */
export async function* readAhead<T, R>(items: Iterable<T>, read: (item: T) => Promise<R>): AsyncGenerator<R> {
  const ahead: Promise<R>[] = [];
  for (const item of items) {
    const result = read(item);
    // It is awaited below, maybe after it has failed.
    result.catch(() => {});
    ahead.push(result);
    if (ahead.length > AHEAD) yield (await ahead.shift()) as R;
  }
  for (const result of ahead) yield await result;
}
