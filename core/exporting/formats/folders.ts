import { type ExportFormat, splitFolder } from '../export-format.ts';
import type { ExportRequest, ExportSample, NamedSample } from '../export-request.ts';
import { notWritable } from '../marker.ts';
import { classOf } from '../shapes.ts';

/** The longest name of a file or folder, in bytes. */
const MAX_NAME_BYTES = 255;

/**
 * Classes of whole pictures as folders: `<split>/<class>/<name>`, or `<class>/<name>` for samples without a split. YOLO's
 * classification looks the same, and calls a missing split `train`.
 *
 * @throws UserError ExportNotWritable if images stay where they are
 */
export function folders(request: ExportRequest): ExportFormat {
  if (request.images === 'none')
    throw notWritable(request, 'its folders hold images, so they have to be copied or linked: --images copy or link.');
  const missing = request.format === 'yolo' ? 'train' : undefined;
  const imagePath = ({ split, annotations, exported }: NamedSample) =>
    [split || missing, classOf(annotations) ?? '']
      .flatMap((part, index) => (part === undefined ? [] : [index === 0 ? splitFolder(part) : part]))
      .concat(exported)
      .join('/');
  return {
    imagePath,
    refuse,
    // The images say all.
    async write(samples, { counts, skip }) {
      for await (const { annotations } of samples) {
        const label = classOf(annotations);
        // Two equal statements are one.
        counts.annotations += 1;
        for (const one of annotations) if (one.label !== label || hasMore(one)) skip('other_kind');
      }
    },
  };
}

const hasMore = ({ bounding_box, points, mask, keypoints }: ExportSample['annotations'][number]) =>
  [bounding_box, points, mask, keypoints].some((part) => part !== undefined);

function refuse({ annotations }: ExportSample) {
  const label = classOf(annotations);
  if (label === null) return 'several_classes';
  if (label === undefined) return 'no_class';
  const isName = !/[/\0]/.test(label) && !['', '.', '..'].includes(label) && Buffer.byteLength(label) <= MAX_NAME_BYTES;
  return isName ? undefined : 'unwritable_class';
}
