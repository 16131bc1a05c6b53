/** A medium other than images. A file of lines holds many samples, and a line's vector can be computed by hand. */
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ItemError } from '../../core/media/item-error.ts';
import type { Expansion, FileToExpand, Item, Medium } from '../../core/media/medium.ts';
import { FileUnavailableError, type Sources } from '../../core/sources/source.ts';
import { createGraph } from '../../scripts/onnx.ts';

/** Dimension of a line's vector. */
export const LINES_DIM = 8;

/** Files named `*.lines`. Each line that is not empty is a sample, and its text is encoded. */
export function linesMedium(): Medium {
  return {
    name: 'lines',
    words: { one: 'line', many: 'lines' },
    accepts: (name) => name.endsWith('.lines'),
    async expand(files, sources, onRead) {
      const expansions: Expansion[] = [];
      for (const file of files) {
        expansions.push(await expandFile(file, sources));
        onRead();
      }
      return expansions;
    },
    encodes: ['text'],
    models: {
      graphs: ['model.onnx'],
      files: [],
      outputs: ['sentence_embedding'],
      whichGraph: 'Name it model.onnx.',
    },
    preparation: { module: new URL('./lines-preparation.ts', import.meta.url).href, options: {} },
    mimeTypes: { known: new Set(['text/plain']), inline: new Set(['text/plain']) },
    sizeInWords: ({ text }) => `${String(text).length} characters`,
    settings: [],
    thumbnails: {
      mimeType: 'image/webp',
      hopeless: { empty_file: 'unsupported_format' },
      open: () => ({
        draw: () => Promise.reject(new ItemError('unsupported_format', 'lines have no pictures')),
        pids: () => [],
        close: () => undefined,
      }),
    },
  };
}

async function expandFile(file: FileToExpand, sources: Sources): Promise<Expansion> {
  try {
    const open = await sources.of(file.path).open(file);
    const text = await new Response(open.stream()).text();
    const items = text
      .split('\n')
      .filter((line) => line !== '')
      .map(itemOf);
    return items.length > 0 ? { items } : { error: { code: 'empty_file', message: 'the file has no lines' } };
  } catch (error) {
    if (!(error instanceof FileUnavailableError)) throw error;
    return { error: { code: error.code, message: error.message } };
  }
}

const itemOf = (text: string): Item => ({ metadata: { format: 'lines', text }, content: contentOfLine(text) });

/** The SHA-256 of a line, in hexadecimal. */
export function contentOfLine(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/**
 * Writes a model of lines into a folder, which it creates, and returns its path. The graph looks up a vector for each
 * token. Padding has a vector too, so that an ignored mask changes the result.
 */
export async function writeLinesModel(folder: string, output: 'float32' | 'float16' = 'float32'): Promise<string> {
  const graph = createGraph({ name: 'lines' });
  const tokens = graph.input('input_ids', 'int64', ['batch', 'tokens']);
  graph.input('attention_mask', 'int64', ['batch', 'tokens']);
  const values = Array.from({ length: 256 * LINES_DIM }, (_, i) =>
    tokenValue(Math.floor(i / LINES_DIM), i % LINES_DIM),
  );
  const looked = graph.apply('Gather', [graph.constant('float32', [256, LINES_DIM], values), tokens], { axis: 0 });
  graph.apply('Cast', [looked], { to: output === 'float16' ? 10 : 1 }, 'last_hidden_state');
  graph.output('last_hidden_state', output, ['batch', 'tokens', LINES_DIM]);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'model.onnx'), graph.encode());
  return folder;
}

/** The vector that `writeLinesModel` gives a line: the mean of its bytes' vectors, scaled to length 1. */
export function vectorOfLine(text: string): number[] {
  const bytes = [...new TextEncoder().encode(text)];
  const sums = Array.from({ length: LINES_DIM }, (_, i) => bytes.reduce((sum, byte) => sum + tokenValue(byte, i), 0));
  const length = Math.hypot(...sums);
  return sums.map((sum) => sum / length);
}

/** Multiples of 1/64 between -2 and 2, which 16-bit floats hold exactly. */
function tokenValue(token: number, i: number): number {
  return (((token * 53 + i * 97 + token * i * 11 + 7) % 256) - 128) / 64;
}
