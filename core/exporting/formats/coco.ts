import type { Annotation, AnnotationClass, Point } from '../../../contract/annotation.ts';
import { maskArea } from '../../annotations/rle.ts';
import { maskOfPolygons } from '../../annotations/rle-polygons.ts';
import type { ClassList } from '../class-list.ts';
import type { DraftFile } from '../draft-file.ts';
import { type ExportFormat, type ExportOutput, splitFolder } from '../export-format.ts';
import type { NamedSample } from '../export-request.ts';
import { notWritable } from '../marker.ts';
import { boundsOf, kindOf } from '../shapes.ts';
import { createJsonList } from './lists.ts';

/** Files that are open at a time. */
const MAX_SPLITS = 200;

/**
 * COCO: `annotations/instances_<split>.json` as COCO's own files are called, `instances.json` for samples without a
 * split. Captions without an object are in `captions_<split>.json`, since COCO keeps them apart: tools expect a category
 * of all that is in a file with categories. Images are in `images/`.
 *
 * `width`, `height` and positions are pixels of the picture as displayed, not rounded. `score`, `caption`, `attributes`
 * and an image's `tags` are not COCO's own. A statement about the whole picture is an annotation without `bbox`.
 *
 * Source: https://cocodataset.org/#format-data
 */
export const coco: ExportFormat = {
  imagePath: ({ exported }) => `images/${exported}`,
  refuse: ({ width, height }) => (width === undefined || height === undefined ? 'unknown_size' : undefined),
  write,
};

async function write(samples: AsyncIterable<NamedSample>, output: ExportOutput): Promise<void> {
  const { classes, counts, request } = output;
  const categories = createCategories(request.classes, classes);
  const files = new Map<string, CocoFile>();
  let number = 0;

  async function fileOf(kind: 'instances' | 'captions', split: string | undefined): Promise<CocoFile> {
    const name = split === undefined || split === '' ? kind : `${kind}_${splitFolder(split)}`;
    const known = files.get(name);
    if (known !== undefined) return known;
    if (files.size >= MAX_SPLITS)
      throw notWritable(request, `COCO has a file for each split, and ${MAX_SPLITS} at most.`);
    const file = await openFile(output, name);
    files.set(name, file);
    return file;
  }

  for await (const sample of samples) {
    const { seq: image_id, exported: file_name, width = 0, height = 0, tags } = sample;
    const image = { id: image_id, file_name, width, height, ...(tags.length > 0 && { tags }) };
    const instances = await fileOf('instances', sample.split);
    await instances.image(image);
    let hasCaption = false;
    for (const annotation of sample.annotations) {
      const { label, caption } = annotation;
      if (label === undefined && kindOf(annotation) !== undefined) {
        output.skip('no_class');
        continue;
      }
      if (label === undefined && caption === undefined) {
        output.skip('other_kind');
        continue;
      }
      number += 1;
      counts.annotations += 1;
      if (label === undefined) {
        const captions = await fileOf('captions', sample.split);
        if (!hasCaption) await captions.image(image);
        hasCaption = true;
        await captions.annotation({ id: number, image_id, ...extrasOf(annotation) });
      } else {
        const category_id = categories.idOf(label);
        const object = objectOf(annotation, [height, width]);
        await instances.annotation({ id: number, image_id, category_id, ...object, ...extrasOf(annotation) });
      }
    }
  }
  if (files.size === 0) await fileOf('instances', undefined);
  for (const [name, file] of files)
    await file.end(name.startsWith('captions') ? '' : `,"categories":${JSON.stringify(categories.all())}`);
}

interface CocoFile {
  image(image: unknown): Promise<void>;
  annotation(annotation: unknown): Promise<void>;
  /** @param rest the members behind `annotations` */
  end(rest: string): Promise<void>;
}

/** Images and annotations come together, so annotations are appended at the end. */
async function openFile({ folder, request: { dataset } }: ExportOutput, name: string): Promise<CocoFile> {
  const file: DraftFile = await folder.draft(`annotations/${name}.json`);
  const behind = await folder.scratch();
  await file.write(`{"info":${JSON.stringify({ description: dataset })},"images":[`);
  return {
    image: createJsonList(file),
    annotation: createJsonList(behind),
    async end(rest) {
      await file.write('\n],"annotations":[');
      await file.append(behind);
      await file.write(`\n]${rest}}\n`);
      await file.commit();
    },
  };
}

/** Categories keep the numbers that they were declared with if these are whole and differ, or count from 1. */
function createCategories(declared: readonly AnnotationClass[], classes: ClassList) {
  const ids = declared.flatMap(({ id }) => (id !== undefined && Number.isSafeInteger(id) && id >= 0 ? [id] : []));
  const keeps = ids.length === declared.length && new Set(ids).size === ids.length;
  const next = keeps ? Math.max(0, ...ids) + 1 : 1;
  const idAt = (index: number) => (keeps ? (ids[index] ?? next + index - declared.length) : next + index);
  return {
    idOf: (label: string) => idAt(classes.indexOf(label)),
    all: () =>
      classes.all().map(({ name, supercategory, keypoints, skeleton }, index) => ({
        id: idAt(index),
        name,
        ...(supercategory !== undefined && { supercategory }),
        ...(keypoints !== undefined && { keypoints }),
        // COCO counts positions from 1.
        ...(skeleton !== undefined && { skeleton: skeleton.map(([from, to]) => [from + 1, to + 1]) }),
      })),
  };
}

const extrasOf = ({ caption, confidence, attributes }: Annotation) => ({
  ...(caption !== undefined && { caption }),
  ...(confidence !== undefined && { score: confidence }),
  ...(attributes !== undefined && { attributes }),
});

/** The members of an object that say where it is. A statement about the whole picture has none. */
function objectOf(annotation: Annotation, size: [height: number, width: number]) {
  const [height, width] = size;
  const bounds = boundsOf(annotation);
  const segmentation = segmentationOf(annotation, size);
  if (bounds === undefined && segmentation === undefined && annotation.keypoints === undefined) return {};
  const [x, y, w, h] = bounds ?? [0, 0, 0, 0];
  const bbox = [x * width, y * height, w * width, h * height] as const;
  const area = segmentation?.area ?? bbox[2] * bbox[3];
  return {
    bbox,
    area,
    ...(segmentation && { segmentation: segmentation.value }),
    iscrowd: annotation.iscrowd === true ? 1 : 0,
    ...(annotation.keypoints && keypointsOf(annotation.keypoints, size)),
  };
}

/**
 * A mask as RLE, or polygons. COCO's polygons are all filled, so one with a hole becomes RLE, and a crowd is always RLE.
 * The area is that of the pixels, as pycocotools counts them.
 */
function segmentationOf({ mask, points, iscrowd }: Annotation, size: [height: number, width: number]) {
  const [height, width] = size;
  if (mask !== undefined) {
    const scale = (height * width) / (mask.size[0] * mask.size[1]);
    return { value: mask, area: maskArea(mask) * scale };
  }
  const rings = (points ?? [])
    .filter((ring) => ring.length > 2)
    .map((ring) => ring.map(([x, y]): Point => [x * width, y * height]));
  if (rings.length === 0) return undefined;
  const drawn = maskOfPolygons(rings, size);
  const area = maskArea(drawn);
  const isApart = rings.length === 1 || area === sum(rings.map((ring) => maskArea(maskOfPolygons([ring], size))));
  return { value: isApart && iscrowd !== true ? rings.map((ring) => ring.flat()) : drawn, area };
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

const keypointsOf = (keypoints: NonNullable<Annotation['keypoints']>, [height, width]: [number, number]) => ({
  keypoints: keypoints.flatMap(([x, y, visibility]) => [x * width, y * height, visibility]),
  num_keypoints: keypoints.filter(([, , visibility]) => visibility > 0).length,
});
