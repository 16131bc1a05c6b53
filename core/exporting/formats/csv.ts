import type { Annotation } from '../../../contract/annotation.ts';
import type { ExportFormat, ExportOutput } from '../export-format.ts';
import type { NamedSample } from '../export-request.ts';
import { boundsOf } from '../shapes.ts';

const COLUMNS = [
  'image',
  'label',
  'xmin',
  'ymin',
  'xmax',
  'ymax',
  'confidence',
  'split',
  'tags',
  'caption',
  'image_width',
  'image_height',
] as const;

/**
 * `annotations.csv`: a row for each object, or one with an empty label for an image without any. Images are in `images/`.
 * Corners are pixels of the picture as displayed, not rounded. `image_width` and `image_height` tell so to readers,
 * ours among them. Any shape is written as the box around it. Tags have semicolons between them. Text is data: what a
 * spreadsheet takes for a formula is written as it is.
 *
 * Source: RFC 4180, with a line feed at the end of a row.
 */
export const csv: ExportFormat = { imagePath: ({ exported }) => `images/${exported}`, write };

async function write(samples: AsyncIterable<NamedSample>, output: ExportOutput): Promise<void> {
  const { folder, counts, request } = output;
  const file = await folder.draft('annotations.csv');
  await file.write(`${COLUMNS.join(',')}\n`);
  for await (const sample of samples) {
    const image = request.images === 'none' ? sample.exported : `images/${sample.exported}`;
    const { split = '', tags, width = '', height = '' } = sample;
    const rows = sample.annotations.flatMap((annotation) => {
      const corners = cornersOf(annotation, sample);
      if (corners === undefined) output.skip('unknown_size');
      return corners === undefined ? [] : [{ ...annotation, corners }];
    });
    counts.annotations += rows.length;
    for (const { label = '', corners, confidence = '', caption = '' } of rows.length > 0 ? rows : [NOTHING])
      await file.write(
        `${[image, label, ...corners, confidence, split, tags.join(';'), caption, width, height].map(cell).join(',')}\n`,
      );
  }
  await file.commit();
}

const NOTHING: Annotation & { corners: (number | '')[] } = { corners: ['', '', '', ''] };

/** Undefined if there is a box and nobody knows how many pixels it has. */
function cornersOf(annotation: Annotation, { width, height }: NamedSample): (number | '')[] | undefined {
  const bounds = boundsOf(annotation);
  if (bounds === undefined) return ['', '', '', ''];
  if (width === undefined || height === undefined) return undefined;
  const [x, y, w, h] = bounds;
  return [x * width, y * height, (x + w) * width, (y + h) * height];
}

/** White space at the ends is quoted, since some readers drop it. */
function cell(value: string | number): string {
  const text = String(value);
  return /[",;\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
