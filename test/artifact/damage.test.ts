import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  BufferTarget,
  EncodedPacket,
  EncodedVideoPacketSource,
  MkvOutputFormat,
  Mp4OutputFormat,
  Output,
} from 'mediabunny';
import sharp from 'sharp';
import { beforeEach, describe, expect, it } from 'vitest';
import { decodeStill, encodeStill } from '../../core/artifact/av1-still.ts';
import { fromBase45, toBase45 } from '../../core/artifact/base45.ts';
import { frameTexts } from '../../core/artifact/frame.ts';
import { makeFrame } from '../../core/artifact/make-frame.ts';
import { openArtifact } from '../../core/artifact/open-artifact.ts';
import { samplesOf, testFolder, videoOf } from './samples.ts';
import { sentences, write } from './writing.ts';

// Frame 0 and frame 11 hold the manifest, frame n + 1 holds chunk n.
const CHUNKS = sentences(10);
const LAST_FRAME = 11;

let target: string;
let samples: Awaited<ReturnType<typeof samplesOf>>;
beforeEach(async () => {
  target = join(await testFolder(), 'memory.mp4');
  await write(target, CHUNKS);
  samples = await samplesOf(target);
});

/** Overwrites the middle of a frame's bitstream. */
async function damage(...frames: number[]): Promise<void> {
  const file = await readFile(target);
  for (const frame of frames) {
    const { sample, at } = samples[frame] as { sample: Buffer; at: number };
    file.fill(0, at + (sample.length >> 2), at + sample.length - (sample.length >> 2));
  }
  await writeFile(target, file);
}

const rewrite = (change: (samples: Buffer[]) => readonly Buffer[]) =>
  writeFile(target, videoOf(change(samples.map(({ sample }) => sample))));

/** All that is read, by number of the chunk: true if it is right, or the frames that are damaged. */
async function readAll(): Promise<(true | (number | null)[])[]> {
  const artifact = await openArtifact(target);
  const results: (true | (number | null)[])[] = [];
  for await (const result of artifact.chunks()) {
    if ('damaged' in result) results.push(result.damaged.map(({ frame }) => frame));
    else {
      expect(result.chunk).toEqual(CHUNKS[result.n]);
      results.push(true);
    }
  }
  artifact.close();
  return results;
}

async function verify() {
  const artifact = await openArtifact(target);
  try {
    return { ...(await artifact.verify()), manifest: artifact.manifest };
  } finally {
    artifact.close();
  }
}

const allBut = (...lost: [n: number, ...frames: (number | null)[]][]) =>
  CHUNKS.map(({ n }) => lost.find(([one]) => one === n)?.slice(1) ?? true);

describe('a damaged frame', () => {
  it('is named, and the other chunks are read', async () => {
    await damage(5);
    expect(await readAll()).toEqual(allBut([4, 5]));
    expect(await verify()).toMatchObject({
      frames: 12,
      chunks: 10,
      readable: 9,
      damaged: [{ frame: 5, chunk: 4, reason: expect.stringMatching(/no readable code|can't be decoded/) }],
      intact: false,
    });
    const artifact = await openArtifact(target);
    await expect(artifact.chunk(4)).rejects.toMatchObject({
      code: 'ArtifactDamaged',
      message: expect.stringMatching(/^Chunk 4 of .*memory\.mp4 can't be read: frame 5: /),
    });
    expect(await artifact.chunk(5)).toEqual(CHUNKS[5]);
    artifact.close();
  });

  it('of the first manifest leaves the second', async () => {
    await damage(0);
    expect(await readAll()).toEqual(allBut());
    expect(await verify()).toMatchObject({ damaged: [{ frame: 0, chunk: null }], intact: false });
  });

  it('of the second manifest leaves the first', async () => {
    await damage(LAST_FRAME);
    expect(await readAll()).toEqual(allBut());
    expect(await verify()).toMatchObject({ damaged: [{ frame: LAST_FRAME, chunk: null }], intact: false });
  });

  it('of both manifests leaves the chunks, which are found by reading all frames', async () => {
    await damage(0, 7, LAST_FRAME);
    expect(await readAll()).toEqual(allBut([6, null]));
    const { manifest, damaged, readable, intact } = await verify();
    expect({ manifest, readable, intact }).toEqual({ manifest: undefined, readable: 9, intact: false });
    expect(damaged.map(({ frame, chunk }) => [frame, chunk])).toEqual([
      ...[0, 7, LAST_FRAME].map((frame) => [frame, null]),
      [null, 6],
    ]);
  });
});

describe('a video that was changed', () => {
  it('says where a frame holds another chunk', async () => {
    await rewrite((all) => all.with(3, all[4] as Buffer).with(4, all[3] as Buffer));
    expect(await readAll()).toEqual(allBut([2, 3], [3, 4]));
    expect((await verify()).damaged).toContainEqual({
      frame: 3,
      chunk: 2,
      reason: 'it holds piece 0 of chunk 3 instead',
    });
  });

  it('says where a frame holds a part of the manifest', async () => {
    await rewrite((all) => all.with(3, all[0] as Buffer));
    expect((await verify()).damaged).toEqual([
      { frame: 3, chunk: 2, reason: 'it holds a part of the manifest instead' },
    ]);
  });

  it('is read although frames were taken out', async () => {
    await rewrite((all) => all.toSpliced(3, 1));
    expect(await readAll()).toEqual(allBut([2, null]));
    const { frames, manifest, damaged } = await verify();
    expect({ frames, chunks: manifest?.chunks }).toEqual({ frames: 11, chunks: 10 });
    expect(damaged).toEqual([{ frame: null, chunk: 2, reason: 'no frame holds 1 of its pieces' }]);
  });

  it('is read although its beginning is gone, and its frames are in another order', async () => {
    await rewrite((all) => all.slice(1).reverse());
    expect(await readAll()).toEqual(allBut());
  });

  it.each([
    ['Matroska', new MkvOutputFormat()],
    ['a fragmented MP4 file', new Mp4OutputFormat({ fastStart: 'fragmented' })],
  ])('is whole if it was copied into %s', async (_, format) => {
    const buffer = new BufferTarget();
    const output = new Output({ format, target: buffer });
    const track = new EncodedVideoPacketSource('av1');
    output.addVideoTrack(track, { frameRate: 10 });
    await output.start();
    const decoderConfig = { codec: 'av01.0.00M.08', codedWidth: 128, codedHeight: 128 };
    for (const [frame, { sample }] of samples.entries()) {
      await track.add(new EncodedPacket(sample, 'key', frame / 10, 1 / 10), { decoderConfig });
    }
    await output.finalize();
    await writeFile(target, Buffer.from(buffer.buffer as ArrayBuffer));
    expect(await verify()).toMatchObject({ frames: 12, readable: 10, damaged: [], intact: true });
  });

  it('is not intact if a chunk was exchanged for another one of the same number', async () => {
    const [text = ''] = frameTexts(
      'chunk',
      2,
      Buffer.from(JSON.stringify({ ...CHUNKS[2], n: undefined, text: 'lies' })),
    );
    const forged = await makeFrame(text);
    await rewrite((all) => all.with(3, forged));
    expect(await verify()).toMatchObject({ readable: 10, damaged: [], intact: false });
  });

  it('names the frame of a chunk that is no record', async () => {
    const [text = ''] = frameTexts('chunk', 2, Buffer.from('no JSON'));
    const forged = await makeFrame(text);
    await rewrite((all) => all.with(3, forged));
    expect((await verify()).damaged).toEqual([
      { frame: 3, chunk: 2, reason: expect.stringMatching(/^its chunk can't be unpacked/) },
    ]);
  });
});

describe('a file that was cut', () => {
  it('within its frames is read up to there', async () => {
    await truncate(target, (samples[6] as { at: number }).at + 20);
    expect(await readAll()).toEqual(allBut([5, 6], [6, 7], [7, 8], [8, 9], [9, 10]));
    expect((await verify()).damaged[0]).toEqual({ frame: 6, chunk: 5, reason: 'the file ends before it' });
  });

  it('within its head says so', async () => {
    await truncate(target, 400);
    await expect(openArtifact(target)).rejects.toMatchObject({
      code: 'ArtifactUnreadable',
      message: expect.stringContaining('it was cut near its beginning'),
    });
  });

  it('to nothing says so', async () => {
    await truncate(target, 0);
    await expect(openArtifact(target)).rejects.toThrow('it is empty');
  });
});

describe('a file that is not an artifact', () => {
  const refused = async (why: string) =>
    expect(await openArtifact(target).catch((error: unknown) => error)).toMatchObject({
      code: 'ArtifactUnreadable',
      message: expect.stringContaining(why),
    });

  it('is refused if there is none', async () => {
    target += '.no';
    await refused('there is no such file');
  });

  it('is refused if it is a folder', async () => {
    target = await testFolder();
    await refused('it is not a file');
  });

  it('is refused if it is text', async () => {
    await writeFile(target, 'a text, and not a short one. '.repeat(100));
    await refused('it is not a video');
  });

  it('is refused if it has another codec, as after an upload', async () => {
    const file = await readFile(target);
    file.write('avc1', file.indexOf('av01', file.indexOf('stsd')), 'latin1');
    file.write('avcC', file.indexOf('av1C'), 'latin1');
    await writeFile(target, file);
    await refused('not as AV1. It is another video, or it was encoded again');
  });

  it('is refused if its frames were made smaller', async () => {
    const side = 96;
    const smaller = await Promise.all(
      samples.map(async ({ sample }) => {
        const { width, height, grey } = await decodeStill(sample, 128, 128);
        const resized = await sharp(grey, { raw: { width, height, channels: 1 } })
          .resize(side, side)
          .extractChannel(0)
          .raw()
          .toBuffer();
        return encodeStill({ width: side, height: side, grey: resized });
      }),
    );
    await writeFile(target, videoOf(smaller, side));
    await refused('no frame holds a readable code. It is another video, or it was encoded again');
  });

  it('is refused if its codes are of others', async () => {
    const frames = await Promise.all(['HTTPS://EXAMPLE.COM/', 'HELLO'].map((text) => makeFrame(text)));
    await writeFile(target, videoOf(frames));
    await refused('its codes are not those of an artifact');
  });

  it('is given up after a hundred frames', async () => {
    const foreign = await makeFrame('HELLO');
    const late = samples.map(({ sample }) => sample).slice(1, 2);
    await writeFile(target, videoOf([...Array.from({ length: 99 }, () => foreign), ...late, foreign]));
    expect(await (await openArtifact(target)).chunk(0)).toEqual(CHUNKS[0]);
    await writeFile(target, videoOf([...Array.from({ length: 100 }, () => foreign), ...late, foreign]));
    await refused('its codes are not those of an artifact');
  });

  it('is refused with its version if that is newer', async () => {
    const [text = ''] = frameTexts('manifest', 0, Buffer.from('{}'));
    const bytes = fromBase45(text) as Buffer;
    bytes[2] = 2;
    const newer = await makeFrame(toBase45(bytes));
    const refusal = { code: 'ArtifactTooNew', message: expect.stringMatching(/version 2 .* knows 1\. Use a newer/) };
    await rewrite((all) => all.with(0, newer));
    await expect(openArtifact(target)).rejects.toMatchObject(refusal);
    await damage(0, LAST_FRAME);
    await rewrite((all) =>
      all
        .with(0, all[3] as Buffer)
        .with(4, newer)
        .with(LAST_FRAME, all[3] as Buffer),
    );
    await expect(openArtifact(target)).rejects.toMatchObject(refusal);
  });
});
