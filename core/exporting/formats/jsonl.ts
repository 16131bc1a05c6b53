import type { ExportFormat, ExportOutput } from '../export-format.ts';
import type { ExportRequest, NamedSample } from '../export-request.ts';

/**
 * `samples.jsonl`: a line for each sample, with annotations in our own shapes: nothing is lost. `filepath` is the full
 * path that the sample has; `file_name` is where its image is in the export, if it is. Images are in `images/`.
 */
export const jsonl: ExportFormat = { imagePath: ({ exported }) => `images/${exported}`, write };

async function write(samples: AsyncIterable<NamedSample>, { folder, counts, request }: ExportOutput): Promise<void> {
  const file = await folder.draft('samples.jsonl');
  for await (const sample of samples) {
    const vector = request.vectors === true && sample.vector !== undefined ? { vector: [...sample.vector] } : {};
    counts.annotations += sample.annotations.length;
    await file.write(`${JSON.stringify({ ...rowOf(sample, request), annotations: sample.annotations, ...vector })}\n`);
  }
  await file.commit();
}

/** What is known of a sample besides its annotations and its vector. */
export const rowOf = (
  { file, exported, split, tags, width, height }: NamedSample,
  { images }: Pick<ExportRequest, 'images'>,
) => ({
  filepath: file.path,
  ...(images !== 'none' && { file_name: `images/${exported}` }),
  ...(split !== undefined && { split }),
  ...(tags.length > 0 && { tags }),
  ...(width !== undefined && height !== undefined && { width, height }),
});
