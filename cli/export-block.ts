import type { SkipReason } from '../contract/exports.ts';
import type { JobStatus } from '../contract/job.ts';
import type { Paint } from './terminal/paint.ts';
import { printable } from './terminal/printable.ts';
import { count, counted } from './terminal/quantities.ts';

const REASONS: Record<SkipReason, string> = {
  file_unavailable: "the file can't be read",
  unknown_size: "the picture's size is unknown",
  unwritable_name: "the format can't hold the file's name",
  unwritable_class: "the format can't hold the class",
  no_class: 'no class',
  several_classes: 'several classes, and the format holds one',
  no_vector: 'no vector',
  other_kind: 'not of the kind that the format or the task holds',
  keypoint_count: 'more keypoints than the other skeletons',
};

/** What an export has written, as lines of a job's summary. */
export function exportBlock({ exported, request }: JobStatus, paint: Paint): string[] {
  if (exported === undefined) return [];
  const { images, renamed, simplified, skipped_samples, skipped_annotations } = exported;
  const row = (n: number, words: string) => (n > 0 ? [`${count(n).padStart(9)}  ${words}`] : []);
  const skipped = (reasons: Partial<Record<SkipReason, number>>, what: string) =>
    Object.entries(reasons).flatMap(([reason, n]) =>
      row(n, `${what} left out: ${REASONS[reason as SkipReason] ?? reason}`).map((line) => paint.yellow(line)),
    );
  return [
    `  ${paint.bold('Exported')} ${counted(exported.annotations, 'annotation')} as ${request.format} to ${printable(String(request.target))}`,
    ...row(images, request.images === 'link' ? 'images were linked to' : 'images were copied'),
    ...row(renamed, 'samples have another name, as another one has theirs'),
    ...row(simplified, 'polygons lost a hole or were cut into several'),
    ...skipped(skipped_samples, 'samples'),
    ...skipped(skipped_annotations, 'annotations'),
  ];
}
