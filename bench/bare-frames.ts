/** The floor of an artifact: the libraries alone draw, encode, decode and read the same codes, one after the other. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { encodeQR } from 'qr';
import sharp from 'sharp';
import { prepareZXingModule, readBarcodes } from 'zxing-wasm/reader';
import { recordOf } from '../core/artifact/artifact-chunk.ts';
import { frameTexts } from '../core/artifact/frame.ts';
import { artifactChunks } from './artifact-chunks.ts';
import { answerOrders } from './bare-process.ts';

export interface BareFramesOrder {
  count: number;
}

const SIDE = 128;

if (import.meta.main) {
  sharp.concurrency(1);
  const wasm = readFileSync(createRequire(import.meta.url).resolve('zxing-wasm/reader/zxing_reader.wasm'));
  prepareZXingModule({ overrides: { wasmBinary: new Uint8Array(wasm).buffer } });
  answerOrders(makeAll);
}

/** @returns milliseconds of CPU */
async function makeAll({ count }: BareFramesOrder): Promise<number> {
  const texts = artifactChunks(count).flatMap((chunk) => frameTexts('chunk', chunk.n, recordOf(chunk)));
  const before = process.cpuUsage();
  for (const text of texts) {
    const rows = encodeQR(text, 'raw', { ecc: 'low', encoding: 'alphanumeric', border: 1, mask: 0 });
    const grey = new Uint8Array(SIDE * SIDE).fill(255);
    const margin = (SIDE - rows.length) >> 1;
    for (const [y, row] of rows.entries()) {
      for (const [x, isDark] of row.entries()) if (isDark) grey[(y + margin) * SIDE + x + margin] = 0;
    }
    const avif = await sharp(grey, { raw: { width: SIDE, height: SIDE, channels: 1 } })
      .avif({ quality: 80, effort: 1, chromaSubsampling: '4:2:0' })
      .toBuffer();
    const decoded = await sharp(avif).ensureAlpha().raw().toBuffer();
    const image = { data: new Uint8ClampedArray(decoded), width: SIDE, height: SIDE, colorSpace: 'srgb' };
    const [code] = await readBarcodes(image as Parameters<typeof readBarcodes>[0], {
      formats: ['QRCode'],
      isPure: true,
    });
    if (code?.text !== text) throw new Error('a code was not read back');
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
