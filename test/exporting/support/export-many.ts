/** Exports many samples without images. Arguments: the target, the format, how many. Prints the counts. */
import type { ExportFormatName, ExportSample } from '../../../core/exporting/export-request.ts';
import { exportSamples } from '../../../core/exporting/export-samples.ts';

const [target = '', format = '', count] = process.argv.slice(2);

async function* samples(): AsyncGenerator<ExportSample> {
  for (let seq = 0; seq < Number(count); seq++) {
    const name = `folder ${seq % 1000}/a rather long name of an image ${seq}.jpg`;
    yield {
      seq,
      file: { path: `/data/photos/${name}` },
      name,
      width: 640,
      height: 480,
      tags: ['one', 'two'],
      annotations: [{ label: `class ${seq % 50}`, bounding_box: [0.1, 0.2, 0.3, 0.4], confidence: 0.5 }],
      vector: new Float32Array(16).fill(seq),
    };
  }
}

const counts = await exportSamples(samples, {
  target,
  format: format as ExportFormatName,
  images: 'none',
  classes: [],
  dataset: 'many',
  field: 'ground_truth',
  id: 'job',
  signal: new AbortController().signal,
  onProgress: () => {},
  open: () => Promise.reject(new Error('No file is opened.')),
});
console.log(JSON.stringify(counts));
