import { UserError } from '../../errors.ts';
import type { Annotation } from '../annotation.ts';
import type { AnnotationFiles } from '../reading/annotation-files.ts';
import { type JsonElement, type JsonPosition, jsonElements } from '../reading/json-elements.ts';
import { annotationOf } from './coco/annotation.ts';
import { type CameTo, type CocoFile, cocoFiles } from './coco/files.ts';
import { imageOf, type Layout, layoutOf, predictedImageOf } from './coco/images.ts';
import { InvalidElement, idOf, parseObject } from './coco/values.ts';
import type { AnnotationFormat, InvalidAnnotation, Piece, ReadStep } from './format.ts';

/**
 * COCO's JSON (https://cocodataset.org/#format-data and #format-results): one file, or those of a folder. Categories
 * may be declared behind the annotations that refer to them: a file is looked through for them first.
 */
export const coco: AnnotationFormat = {
  name: 'coco',
  async *read({ path, files, from }) {
    const cameTo = from as CameTo | undefined;
    for await (const file of cocoFiles(path, files, cameTo)) {
      const isBegun = cameTo?.path === file.path;
      if (!isBegun) yield declared(file);
      yield* readFile(file, files, isBegun ? cameTo.at : undefined);
    }
  },
};

/** The first step of a file: its classes. */
const declared = (file: CocoFile): ReadStep => ({
  pieces: [],
  invalid: file.invalid,
  classes: [...file.categories.values()].map((category) => category.declared),
  cursor: cursorOf(file),
  bytes: 0,
});

const cursorOf = ({ path, number, categoriesAt }: CocoFile, at?: JsonPosition): CameTo => ({
  path,
  ...(number !== undefined && { number }),
  ...(at && { at }),
  ...(categoriesAt && { categoriesAt }),
});

async function* readFile(file: CocoFile, files: AnnotationFiles, from?: JsonPosition): AsyncGenerator<ReadStep> {
  const { path } = file;
  const layout = layoutOf(path);
  const wants = (section: string, at: JsonPosition) => at.isList || section === 'images' || section === 'annotations';
  let offset = from?.offset ?? 0;
  for await (const { elements, position } of jsonElements(files.stream(path, offset), { path, wants, from })) {
    const found = foundIn(elements, file, layout);
    if (found.pieces.length === 0 && found.invalid.length === 0 && position.state !== 'end') continue;
    yield { ...found, classes: [], cursor: cursorOf(file, position), bytes: position.offset - offset };
    offset = position.offset;
  }
}

/** Reads the elements of a step. Annotations of one image make one piece. */
function foundIn(elements: JsonElement[], file: CocoFile, layout: Layout): Pick<ReadStep, 'pieces' | 'invalid'> {
  const pieces: Piece[] = [];
  const invalid: InvalidAnnotation[] = [];
  const byImage = new Map<string, Annotation[]>();
  const prefix = file.number === undefined ? '' : `${file.number}:`;
  const categories = file.kind === 'results' ? undefined : file.categories;

  function add(section: string, bytes: Buffer): void {
    const element = parseObject(bytes);
    if (section === 'images') {
      const key = prefix + idOf(element, 'id', bytes);
      pieces.push({ key, image: imageOf(element, layout), ...(layout.split && { split: layout.split }) });
      return;
    }
    const key = prefix + idOf(element, 'image_id', bytes);
    const annotation = annotationOf(element, bytes, categories);
    const others = byImage.get(key);
    if (others !== undefined) {
      others.push(annotation);
      return;
    }
    const annotations = [annotation];
    byImage.set(key, annotations);
    const image = section === '' ? predictedImageOf(element) : undefined;
    pieces.push({ key, ...(image && { image }), unit: 'pixels', annotations });
  }

  for (const { section, inList, bytes, line, column } of elements) {
    if (!inList)
      throw new UserError('AnnotationsBroken', `${file.path}: line ${line}, column ${column}: ${section} is no list.`);
    try {
      add(section, bytes);
    } catch (error) {
      if (!(error instanceof InvalidElement)) throw error;
      const subject = section === 'images' ? 'An image' : 'An annotation';
      invalid.push({ reason: error.reason, file: file.path, line, message: `${subject}: ${error.message}.` });
    }
  }
  return { pieces, invalid };
}
