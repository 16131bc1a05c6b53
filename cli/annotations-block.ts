import { basename } from 'node:path';
import type { JobStatus } from '../contract/job.ts';
import { annotationsInWords } from '../core/jobs/words.ts';
import type { Paint } from './terminal/paint.ts';
import { printable } from './terminal/printable.ts';
import { count, counted } from './terminal/quantities.ts';

/** How many names and lines are shown of each outcome. */
const NAMED = 5;

/** What a job has done with annotations, as lines of its summary. */
export function annotationsBlock({ annotations }: JobStatus, paint: Paint): string[] {
  if (annotations === undefined) return [];
  const { state, field, paths, found, objects, matched, changed, removed } = annotations;
  if (state !== 'completed')
    return [`  ${paint.bold('Annotations')} ${annotationsInWords(annotations).replace(/^annotations: /, '')}`];
  if (paths.length === 0) return [`  ${paint.bold('Removed')} ${field} from ${counted(removed, 'sample')}`];
  const { without_annotations, without_sample, without_sample_names, clipped, outside, invalid, invalid_named } =
    annotations;
  const row = (n: number, words: string) => (n > 0 ? [`${count(n).padStart(9)}  ${words}`] : []);
  const first = (names: readonly string[], n: number) => {
    const shown = names.slice(0, NAMED).map((name) => `           ${printable(name)}`);
    return n > shown.length && shown.length > 0 ? [...shown, `           and ${count(n - shown.length)} more`] : shown;
  };
  const from = paths.map(({ path, format }) => `${basename(path)} (${format})`).join(', ');
  return [
    `  ${paint.bold('Annotated')} ${counted(matched, 'sample')} with ${counted(objects, 'object')} in ${field}`,
    `  ${paint.dim(printable(`${found ? 'found beside the images: ' : 'from '}${from}`))}`,
    ...row(changed, 'changed'),
    ...row(matched - changed, 'unchanged'),
    ...row(removed, 'lost what the same files gave before'),
    ...row(without_annotations, 'samples without annotations'),
    ...row(without_sample, 'images that the dataset does not have'),
    ...first(without_sample_names, without_sample),
    ...row(clipped, 'objects were cut at the edge of their picture'),
    ...row(outside, 'objects lie outside of their picture, and were left out'),
    ...Object.entries(invalid).flatMap(([reason, n]) => [
      paint.red(`${count(n).padStart(9)}  can't be read: ${reason}`),
      ...first(
        invalid_named
          .filter((each) => each.reason === reason)
          .map(({ file, line, message }) => `${basename(file)}${line === undefined ? '' : `:${line}`}: ${message}`),
        n,
      ),
    ]),
  ];
}
