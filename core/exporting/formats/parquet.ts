import { ByteWriter, ParquetWriter, type SchemaElement } from 'hyparquet-writer';
import type { DraftFile } from '../draft-file.ts';
import type { ExportFormat, ExportOutput } from '../export-format.ts';
import type { NamedSample } from '../export-request.ts';

/** Limits of what is kept before it is written, each of a row group: rows, numbers of vectors, and characters. */
const GROUP = { rows: 4096, numbers: 1 << 19, characters: 8 << 20 };

/**
 * `samples.parquet`, a row for each sample. `annotations` is JSON in our own shapes, `vector` a list of float32. Images
 * are in `images/`; `file_name` is where they are.
 */
export const parquet: ExportFormat = { imagePath: ({ exported }) => `images/${exported}`, write };

const list = (name: string, element: SchemaElement): SchemaElement[] => [
  { name, repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST' },
  { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
  { ...element, name: 'element', repetition_type: 'REQUIRED' },
];

const TEXT = { type: 'BYTE_ARRAY', converted_type: 'UTF8' } as const;

/** Columns by name, with the elements of each. */
const COLUMNS: [string, SchemaElement[]][] = [
  ['seq', [{ name: 'seq', type: 'INT64', repetition_type: 'REQUIRED' }]],
  ['filepath', [{ name: 'filepath', ...TEXT, repetition_type: 'REQUIRED' }]],
  ['file_name', [{ name: 'file_name', ...TEXT, repetition_type: 'OPTIONAL' }]],
  ['split', [{ name: 'split', ...TEXT, repetition_type: 'OPTIONAL' }]],
  ['tags', list('tags', { name: 'element', ...TEXT })],
  ['width', [{ name: 'width', type: 'INT32', repetition_type: 'OPTIONAL' }]],
  ['height', [{ name: 'height', type: 'INT32', repetition_type: 'OPTIONAL' }]],
  ['annotations', [{ name: 'annotations', ...TEXT, repetition_type: 'REQUIRED' }]],
  ['vector', list('vector', { name: 'element', type: 'FLOAT' })],
];

async function write(samples: AsyncIterable<NamedSample>, { folder, counts, request }: ExportOutput): Promise<void> {
  const file = await folder.draft('samples.parquet');
  const schema = [{ name: 'root', num_children: COLUMNS.length }, ...COLUMNS.flatMap(([, elements]) => elements)];
  const bytes = new ByteWriter();
  const writer = new ParquetWriter({ writer: bytes, schema, createdBy: 'plimsoll' });
  let columns = emptyColumns();
  let numbers = 0;
  let characters = 0;

  async function flushGroup(): Promise<void> {
    const columnData = [...columns].map(([name, data]) => ({ name, data }));
    await writer.write({ columnData, rowGroupSize: GROUP.rows });
    await drain(bytes, file);
    columns = emptyColumns();
    numbers = 0;
    characters = 0;
  }

  for await (const { seq, file: original, exported, split, tags, width, height, annotations, vector } of samples) {
    counts.annotations += annotations.length;
    const text = JSON.stringify(annotations);
    const row: Record<string, unknown> = {
      seq: BigInt(seq),
      filepath: original.path,
      file_name: request.images === 'none' ? undefined : `images/${exported}`,
      split,
      tags: [...tags],
      width,
      height,
      annotations: text,
      vector: vector && [...vector],
    };
    for (const [name, data] of columns) data.push(row[name]);
    numbers += vector?.length ?? 0;
    characters += text.length + original.path.length;
    const isFull = (columns.get('seq')?.length ?? 0) >= GROUP.rows;
    if (isFull || numbers >= GROUP.numbers || characters >= GROUP.characters) await flushGroup();
  }
  await flushGroup();
  writer.finish();
  await drain(bytes, file);
  await file.commit();
}

const emptyColumns = (): Map<string, unknown[]> => new Map(COLUMNS.map(([name]) => [name, []]));

/** Moves what the writer has made to the file. Its offset goes on. */
async function drain(writer: ByteWriter, file: DraftFile): Promise<void> {
  await file.write(Buffer.from(writer.getBytes()));
  writer.index = 0;
}
