import { closeSync, fstatSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { expect, test } from 'vitest';
import { openFrames, readFrame, writeFrame } from '../../inference/frames.ts';

const BYTES = 1000;
const pixels = (value: number) => new Uint8Array(BYTES).fill(value);

function contentOf(fd: number, frame: number): Uint8Array {
  const item = new Uint8Array(BYTES);
  readFrame(fd, frame, item);
  return item;
}

test('each frame is taken once, and again when it was given back', async () => {
  const frames = openFrames();
  await frames.reserve(3, BYTES);
  const taken = [frames.take(), frames.take(), frames.take()] as number[];
  expect(taken.toSorted()).toEqual([0, 1, 2]);
  expect(frames.take()).toBeUndefined();
  frames.giveBack(1);
  expect(frames.take()).toBe(1);
  await frames.close();
});

test('a frame holds what was written into it, and the others keep theirs', async () => {
  const frames = openFrames();
  await frames.reserve(3, BYTES);
  for (const frame of [0, 1, 2]) writeFrame(frames.fd, frame, pixels(frame + 1));
  writeFrame(frames.fd, 1, pixels(9));
  expect([0, 1, 2].map((frame) => contentOf(frames.fd, frame))).toEqual([pixels(1), pixels(9), pixels(3)]);
  await frames.close();
});

test('the room of all frames is taken at once, and none beyond can be read', async () => {
  const frames = openFrames();
  await frames.reserve(3000, BYTES);
  const { size, blocks } = fstatSync(frames.fd);
  expect(size).toBe(3000 * BYTES);
  expect(blocks * 512).toBeGreaterThanOrEqual(3000 * BYTES);
  expect(() => contentOf(frames.fd, 3000)).toThrow('frame 3000 is not there');
  await frames.close();
});

test('frames have a file without a name', async () => {
  const frames = openFrames();
  expect(fstatSync(frames.fd).nlink).toBe(0);
  await frames.close();
});

test('frames that are closed while their room is taken write to no other file', async () => {
  const frames = openFrames();
  const reserved = frames.reserve(200_000, BYTES);
  const closed = frames.close();
  const other = join(tmpdir(), `plimsoll-other-${process.pid}`);
  // Gets the descriptor, if it were free already.
  const fd = openSync(other, 'w+');
  await Promise.all([reserved, closed]);
  expect(readFileSync(other)).toHaveLength(0);
  closeSync(fd);
  rmSync(other);
});
