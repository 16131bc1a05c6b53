import type { Annotation, Keypoint, Point } from '../../../contract/annotation.ts';
import { type ExportFormat, type ExportOutput, splitFolder } from '../export-format.ts';
import type { ExportRequest, ExportSample, NamedSample } from '../export-request.ts';
import { splitName } from '../exported-names.ts';
import { notWritable } from '../marker.ts';
import { isInside } from '../rings.ts';
import { boundsOf, type Kind, kindOf, mostKeypoints } from '../shapes.ts';
import { folders } from './folders.ts';
import { yamlText } from './yaml-text.ts';

/**
 * Ultralytics' YOLO: `labels/<split>/<name>.txt` with an object a line, and `data.yaml`. Images are in `images/<split>/`.
 * Samples without a split are in `train`, since nothing else is looked for. An image without objects has an empty label
 * file: it is background. Positions are shares of the picture as displayed; confidences have no place in a label file.
 *
 * Source: https://docs.ultralytics.com/datasets/
 */
export async function yolo(request: ExportRequest, samples: () => AsyncIterable<ExportSample>): Promise<ExportFormat> {
  const task = request.task ?? (await findTask(request, samples()));
  if (task === 'classify') return folders({ ...request, task });
  return {
    imagePath: ({ split, exported }) => `images/${folderOf(split)}/${exported}`,
    labelPath,
    write: (named, output) => write(named, output, task),
  };
}

const folderOf = (split: string | undefined) => splitFolder(split || 'train');

const labelPath = ({ split, exported }: NamedSample) => `labels/${folderOf(split)}/${splitName(exported).stem}.txt`;

/** @throws UserError ExportNotWritable if annotations are of several kinds */
async function findTask(request: ExportRequest, samples: AsyncIterable<ExportSample>): Promise<Kind> {
  let found: Kind | undefined;
  for await (const { annotations } of samples) {
    request.signal.throwIfAborted();
    for (const annotation of annotations) {
      const kind = kindOf(annotation);
      if (kind !== undefined && found !== undefined && kind !== found)
        throw notWritable(
          request,
          `a YOLO dataset has one task, and its annotations are of several (${found}, ${kind}). Name the one to write: ` +
            '--task detect, segment, pose, obb or classify.',
        );
      found ??= kind;
    }
  }
  return found ?? 'detect';
}

async function write(
  samples: AsyncIterable<NamedSample>,
  output: ExportOutput,
  task: Exclude<Kind, 'classify'>,
): Promise<void> {
  const { folder, classes, counts, request } = output;
  const splits = new Set<string>();
  let positions = mostKeypoints(request.classes);

  function linesOf(annotation: Annotation): string[] {
    if (kindOf(annotation) === undefined) output.skip('other_kind');
    else if (annotation.label === undefined) output.skip('no_class');
    else {
      const shapes = task === 'pose' ? poseOf(annotation) : shapesOf(annotation, task, () => counts.simplified++);
      const [first] = shapes;
      if (first === undefined) return [];
      counts.annotations += 1;
      const index = classes.indexOf(annotation.label);
      return shapes.map((numbers) => `${[index, ...numbers].join(' ')}\n`);
    }
    return [];
  }

  /** The box and as many positions as all have. Those that a shorter skeleton lacks are not labelled. */
  function poseOf(annotation: Annotation): number[][] {
    const { keypoints } = annotation;
    const box = centred(annotation);
    if (keypoints === undefined || box === undefined) {
      output.skip('other_kind');
      return [];
    }
    positions ??= keypoints.length;
    if (keypoints.length > positions) {
      output.skip('keypoint_count');
      return [];
    }
    const missing: Keypoint[] = Array.from({ length: positions - keypoints.length }, () => [0, 0, 0]);
    return [[...box, ...[...keypoints, ...missing].flat()]];
  }

  function shapesOf(annotation: Annotation, kind: 'detect' | 'segment' | 'obb', onSimplified: () => void): number[][] {
    const shapes =
      kind === 'detect'
        ? boxOf(annotation)
        : kind === 'obb'
          ? cornersOf(annotation)
          : outlinesOf(annotation, onSimplified);
    if (shapes.length === 0) output.skip('other_kind');
    return shapes;
  }

  for await (const sample of samples) {
    splits.add(folderOf(sample.split));
    await folder.write(labelPath(sample), sample.annotations.flatMap(linesOf).join(''));
  }
  await folder.write('data.yaml', dataFile(output, splits, task === 'pose' ? positions : undefined));
}

/** The centre, the width and the height of the box. */
function centred(annotation: Annotation): number[] | undefined {
  const box = boundsOf(annotation);
  if (box === undefined) return undefined;
  const [x, y, width, height] = box;
  return [x + width / 2, y + height / 2, width, height];
}

function boxOf(annotation: Annotation): number[][] {
  const box = centred(annotation);
  return box === undefined ? [] : [box];
}

/** The four corners of an oriented box, or of an upright one. */
function cornersOf({ bounding_box, points, oriented }: Annotation): number[][] {
  if (oriented && points?.[0] !== undefined) return [points[0].flat()];
  if (bounding_box === undefined) return [];
  const [x, y, width, height] = bounding_box;
  return [[x, y, x + width, y, x + width, y + height, x, y + height]];
}

/** A line for each outer ring: a line has no room for a second one, nor for a hole. */
function outlinesOf({ points = [] }: Annotation, onSimplified: () => void): number[][] {
  const rings: Point[][] = points.filter((ring) => ring.length > 2);
  if (rings.length > 1) onSimplified();
  return rings
    .filter((ring) => rings.filter((other) => other !== ring && isInside(ring, other)).length % 2 === 0)
    .map((ring) => ring.flat());
}

function dataFile({ classes }: ExportOutput, splits: ReadonlySet<string>, positions: number | undefined): string {
  const known = ['train', 'val', 'test'].filter((split) => splits.has(split));
  const names = classes.all();
  const lines = ['path: .'];
  for (const split of known) lines.push(`${split}: images/${split}`);
  const others = [...splits].filter((split) => !known.includes(split) && !OWN_KEYS.has(split)).sort();
  for (const split of others) lines.push(`${yamlText(split)}: ${yamlText(`images/${split}`)}`);
  if (positions !== undefined) {
    lines.push(`kpt_shape: [${positions}, 3]`);
    const named = names.flatMap(({ keypoints }, index) => (keypoints === undefined ? [] : [{ keypoints, index }]));
    if (named.length > 0) lines.push('kpt_names:');
    for (const { keypoints, index } of named) lines.push(`  ${index}: [${keypoints.map(yamlText).join(', ')}]`);
  }
  lines.push(names.length === 0 ? 'names: {}' : 'names:');
  for (const [index, { name }] of names.entries()) lines.push(`  ${index}: ${yamlText(name)}`);
  return `${lines.join('\n')}\n`;
}

/** What else Ultralytics looks for in data.yaml, beside splits. */
const OWN_KEYS = new Set(['path', 'nc', 'names', 'kpt_shape', 'kpt_names', 'flip_idx', 'download', 'channels']);
