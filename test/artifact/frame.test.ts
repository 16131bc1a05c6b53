import { randomBytes } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { fromBase45, toBase45 } from '../../core/artifact/base45.ts';
import { FORMAT_VERSION, type FrameError, frameTexts, joinPieces, parseFrame } from '../../core/artifact/frame.ts';
import { makeFrame } from '../../core/artifact/make-frame.ts';
import { drawCode, FRAME_CHARACTERS, FRAME_SIDE, readCode } from '../../core/artifact/qr-code.ts';

describe('Base45', () => {
  // The examples of RFC 9285.
  it.each([
    ['AB', 'BB8'],
    ['Hello!!', '%69 VD92EX0'],
    ['base-45', 'UJCLQE7W581'],
    ['ietf!', 'QED8WEX0'],
  ])('of %s is %s', (plain, encoded) => {
    expect(toBase45(Buffer.from(plain))).toBe(encoded);
    expect(fromBase45(encoded)?.toString()).toBe(plain);
  });

  it('holds any bytes', () => {
    for (const length of [0, 1, 2, 255, 256]) {
      const bytes = randomBytes(length);
      expect(fromBase45(toBase45(bytes))).toEqual(bytes);
    }
  });

  it.each([
    ['a length that no bytes have', 'BB8A'],
    ['a value above two bytes', ':::'],
    ['a value above one byte', '::'],
    ['a character that is not its own', 'BBb'],
  ])('is refused with %s', (_, text) => {
    expect(fromBase45(text)).toBeUndefined();
  });
});

describe('a record in frames', () => {
  it('takes one frame if it is small, and comes back', () => {
    const [text = '', ...more] = frameTexts('chunk', 7, Buffer.from('a record'));
    expect(more).toEqual([]);
    const frame = parseFrame(text);
    expect(frame).toMatchObject({ kind: 'chunk', number: 7, piece: 0, pieces: 1 });
    expect(joinPieces([frame.body]).toString()).toBe('a record');
  });

  it('takes as many as it needs, each of which fits the largest code', () => {
    const record = randomBytes(5000);
    const texts = frameTexts('manifest', 0, record);
    expect(texts.map((text) => text.length)).toEqual([1851, 1851, 1851, 1851, 224]);
    expect(Math.max(...texts.map((text) => text.length))).toBeLessThanOrEqual(FRAME_CHARACTERS);
    const frames = texts.map(parseFrame);
    expect(frames.map(({ kind, piece, pieces }) => [kind, piece, pieces])).toEqual(
      [0, 1, 2, 3, 4].map((piece) => ['manifest', piece, 5]),
    );
    expect(joinPieces(frames.map(({ body }) => body))).toEqual(record);
  });

  it('is refused if it is larger than a reader would unpack', () => {
    expect(() => frameTexts('chunk', 3, Buffer.alloc(64 * 2 ** 20 + 1))).toThrow(
      expect.objectContaining({
        code: 'ArtifactNotWritable',
        message: expect.stringContaining('Chunk 3 is too large'),
      }),
    );
  });

  it('is not unpacked beyond that size', () => {
    const packed = (bytes: number) => [deflateRawSync(Buffer.alloc(bytes))];
    expect(joinPieces(packed(64 * 2 ** 20))).toHaveLength(64 * 2 ** 20);
    expect(() => joinPieces(packed(64 * 2 ** 20 + 1))).toThrow(/larger than/);
  });

  it('is told from the codes of others, of newer versions, and from damaged ones', () => {
    const [text = ''] = frameTexts('chunk', 7, Buffer.from('a record'));
    const changed = (at: number, value: number) => {
      const bytes = fromBase45(text) as Buffer;
      bytes[at] = value;
      return toBase45(bytes);
    };
    const reasonOf = (code: string) => {
      try {
        return parseFrame(code);
      } catch (error) {
        return (error as FrameError).reason;
      }
    };
    expect(reasonOf('HTTPS://EXAMPLE.COM/')).toBe('foreign');
    expect(reasonOf('https://example.com/')).toBe('foreign');
    expect(reasonOf(toBase45(Buffer.from('PL')))).toBe('foreign');
    expect(reasonOf(changed(0, 0))).toBe('foreign');
    expect(reasonOf(changed(2, FORMAT_VERSION + 1))).toBe('newer');
    // The kind, the number, and the body.
    for (const at of [3, 7, 16]) expect(reasonOf(changed(at, 99))).toBe('damaged');
  });
});

describe('the picture of a frame', () => {
  it('has the size of all frames and a quiet zone, whatever the code', async () => {
    for (const length of [1, FRAME_CHARACTERS]) {
      const text = 'A'.repeat(length);
      const { width, height, grey } = drawCode(text, 0);
      expect([width, height]).toEqual([FRAME_SIDE, FRAME_SIDE]);
      const isQuiet = [...grey.entries()].every(([at, value]) => {
        const [x, y] = [at % width, Math.floor(at / width)];
        return value === 255 || Math.min(x, y, width - 1 - x, height - 1 - y) >= 4;
      });
      expect(isQuiet).toBe(true);
      expect(await readCode({ width, height, grey })).toBe(text);
    }
  });

  it('holds no code if it is white', async () => {
    expect(await readCode({ width: 128, height: 128, grey: new Uint8Array(128 * 128).fill(255) })).toBeUndefined();
  });

  it('is drawn with another mask if it is not read back', async () => {
    let reads = 0;
    const sample = await makeFrame('HELLO', async () => (++reads < 3 ? 'WRONG' : 'HELLO'));
    expect(reads).toBe(3);
    expect(sample.equals(await makeFrame('HELLO'))).toBe(false);
  });

  it('is an error that holds the text if no mask helps', async () => {
    await expect(makeFrame('HELLO', async () => undefined)).rejects.toThrow(/could not be read back.*HELLO/);
  });
});
