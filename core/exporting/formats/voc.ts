import type { Annotation } from '../../../contract/annotation.ts';
import type { DraftFile } from '../draft-file.ts';
import { type ExportFormat, type ExportOutput, splitFolder } from '../export-format.ts';
import type { ExportSample, NamedSample } from '../export-request.ts';
import { splitName } from '../exported-names.ts';
import { notWritable } from '../marker.ts';
import { boundsOf } from '../shapes.ts';
import { isXml, xmlText } from './xml-text.ts';

/** Lists that are open at a time. */
const MAX_SPLITS = 200;

/**
 * Pascal VOC: `Annotations/<name>.xml` for each image, `ImageSets/Main/<split>.txt` with the names of each split, and
 * images in `JPEGImages/`. Sizes and boxes are pixels of the picture as displayed, from 0, not rounded. Any shape is
 * written as the box around it, a polygon of one ring besides.
 *
 * Source: http://host.robots.ox.ac.uk/pascal/VOC/voc2012/htmldoc/devkit_doc.html
 */
export const voc: ExportFormat = {
  imagePath: ({ exported }) => `JPEGImages/${exported}`,
  labelPath,
  refuse,
  write,
};

function labelPath({ exported }: NamedSample): string {
  return `Annotations/${splitName(exported).stem}.xml`;
}

function refuse({ name, width, height }: ExportSample) {
  // A name is a line of a list, and a line's end has no escape.
  const { stem } = splitName(name);
  if (/[\r\n]/.test(stem) || stem !== stem.trim() || !isXml(name)) return 'unwritable_name';
  return width === undefined || height === undefined ? 'unknown_size' : undefined;
}

async function write(samples: AsyncIterable<NamedSample>, output: ExportOutput): Promise<void> {
  const lists = new Map<string, DraftFile>();

  async function listOf(split: string): Promise<DraftFile> {
    const name = splitFolder(split);
    const known = lists.get(name);
    if (known !== undefined) return known;
    if (lists.size >= MAX_SPLITS)
      throw notWritable(output.request, `VOC has a list for each split, and ${MAX_SPLITS} at most.`);
    const list = await output.folder.draft(`ImageSets/Main/${name}.txt`);
    lists.set(name, list);
    return list;
  }

  for await (const sample of samples) {
    if (sample.split) await (await listOf(sample.split)).write(`${splitName(sample.exported).stem}\n`);
    await output.folder.write(labelPath(sample), documentOf(sample, output));
  }
  for (const list of lists.values()) await list.commit();
}

function documentOf({ exported, width = 0, height = 0, annotations }: NamedSample, output: ExportOutput): string {
  const objects = annotations.flatMap((annotation) => objectOf(annotation, { width, height }, output));
  return [
    '<annotation>',
    `  <filename>${xmlText(exported)}</filename>`,
    `  <source><database>${xmlText(output.request.dataset)}</database></source>`,
    `  <size><width>${width}</width><height>${height}</height><depth>3</depth></size>`,
    '  <segmented>0</segmented>',
    ...objects,
    '</annotation>\n',
  ].join('\n');
}

function objectOf(
  annotation: Annotation,
  { width, height }: { width: number; height: number },
  output: ExportOutput,
): string[] {
  const { label, points, confidence, attributes = {} } = annotation;
  const bounds = boundsOf(annotation);
  const problem =
    bounds === undefined
      ? 'other_kind'
      : label === undefined
        ? 'no_class'
        : isXml(label)
          ? undefined
          : 'unwritable_class';
  if (problem !== undefined || bounds === undefined || label === undefined) {
    output.skip(problem ?? 'other_kind');
    return [];
  }
  output.counts.annotations += 1;
  const [x, y, w, h] = bounds;
  const edges = { xmin: x * width, ymin: y * height, xmax: (x + w) * width, ymax: (y + h) * height };
  const ring = points?.length === 1 ? (points[0] ?? []) : [];
  const corners = ring.flatMap(([cx, cy], index) => [
    [`x${index + 1}`, cx * width],
    [`y${index + 1}`, cy * height],
  ]);
  const own = new Map(Object.entries(attributes));
  const flag = (name: string) => (own.get(name) === true || own.get(name) === 1 || own.get(name) === '1' ? 1 : 0);
  const rest = [...own].filter(([name]) => !STANDARD.has(name));
  return [
    '  <object>',
    `    <name>${xmlText(label)}</name>`,
    `    <pose>${xmlText(String(own.get('pose') ?? 'Unspecified'))}</pose>`,
    `    <truncated>${flag('truncated')}</truncated>`,
    `    <difficult>${flag('difficult')}</difficult>`,
    ...(own.has('occluded') ? [`    <occluded>${flag('occluded')}</occluded>`] : []),
    `    <bndbox>${elements(Object.entries(edges))}</bndbox>`,
    ...(corners.length > 0 ? [`    <polygon>${elements(corners)}</polygon>`] : []),
    ...(confidence === undefined ? [] : [`    <confidence>${confidence}</confidence>`]),
    ...(rest.length === 0 ? [] : [`    <attributes>${rest.map(attributeOf).join('')}</attributes>`]),
    '  </object>',
  ];
}

const STANDARD = new Set(['pose', 'truncated', 'difficult', 'occluded']);

const elements = (values: readonly (string | number)[][]): string =>
  values.map(([name, value]) => `<${name}>${value}</${name}>`).join('');

const attributeOf = ([name, value]: [string, string | number | boolean]): string =>
  `<attribute><name>${xmlText(name)}</name><value>${xmlText(String(value))}</value></attribute>`;
