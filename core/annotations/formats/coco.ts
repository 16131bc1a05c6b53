import { UserError } from '../../errors.ts';
import { FileUnavailableError } from '../../sources/source.ts';
import type { AnnotationFiles } from '../reading/annotation-files.ts';
import { type JsonElement, type JsonPosition, jsonElements } from '../reading/json-elements.ts';
import { parseObject } from '../reading/json-object.ts';
import { createStepBuilder, type StepBuilder } from '../reading/steps.ts';
import { annotationOf } from './coco/annotation.ts';
import { type CameTo, type CocoFile, cocoFiles, cursorBehind, cursorOf, type UnreadableFile } from './coco/files.ts';
import { idOf } from './coco/id.ts';
import { imageOf, type Layout, layoutOf, predictedImageOf } from './coco/images.ts';
import type { AnnotationFormat, Piece, ReadStep } from './format.ts';

/**
 * COCO's JSON (https://cocodataset.org/#format-data and #format-results): one file, or those of a folder. Categories
 * may be declared behind the annotations that refer to them: a file is looked through for them first.
 */
export const coco: AnnotationFormat = {
  name: 'coco',
  async *read({ path, files, from }) {
    const cameTo = from as CameTo | undefined;
    for await (const found of cocoFiles(path, files, cameTo)) {
      if ('unreadable' in found) {
        yield passedOver(found);
        continue;
      }
      const isBegun = cameTo?.file.path === found.file.path;
      if (!isBegun) yield declared(found);
      try {
        yield* readFile(found, files, isBegun ? cameTo.at : undefined);
      } catch (error) {
        if (!(error instanceof FileUnavailableError) || found.number === undefined) throw error;
        yield passedOver({ ...found, number: found.number, unreadable: error });
      }
    }
  },
};

/** The first step of a file: its classes. */
const declared = (found: CocoFile): ReadStep => ({
  pieces: [],
  invalid: found.invalid,
  classes: [...found.categories.values()].map((category) => category.declared),
  cursor: cursorOf(found),
  bytes: 0,
});

/** The step of a file that can't be read, or not further. */
const passedOver = (found: UnreadableFile): ReadStep => ({
  pieces: [],
  invalid: [{ reason: 'unreadable_file', file: found.file.path, message: found.unreadable.message }],
  classes: [],
  cursor: cursorBehind(found),
  bytes: 0,
});

async function* readFile(found: CocoFile, files: AnnotationFiles, from?: JsonPosition): AsyncGenerator<ReadStep> {
  const { file } = found;
  const { path } = file;
  const layout = layoutOf(path);
  const step = createStepBuilder();
  const wants = (section: string, at: JsonPosition) => at.isList || section === 'images' || section === 'annotations';
  let offset = from?.offset ?? 0;
  for await (const { elements, position } of jsonElements(files.stream(file, offset), { path, wants, from })) {
    for (const element of elements) addElement(step, element, found, layout);
    step.countBytes(position.offset - offset);
    offset = position.offset;
    if (step.isFull || position.state === 'end') yield step.take(cursorOf(found, position));
  }
}

function addElement(step: StepBuilder, element: JsonElement, found: CocoFile, layout: Layout): void {
  const { section, inList, bytes, line, column } = element;
  const { path } = found.file;
  if (!inList)
    throw new UserError('AnnotationsBroken', `${path}: line ${line}, column ${column}: ${section} is no list.`);
  step.count(0);
  const make = section === 'images' ? imagePiece : annotationPiece;
  step.attempt(
    { file: path, line },
    () => {
      const piece = make();
      return { ...piece, key: found.prefix + piece.key };
    },
    section === 'images' ? 'An image' : 'An annotation',
  );

  function imagePiece(): Piece {
    const image = parseObject(bytes.toString());
    const key = idOf(image, 'id', bytes);
    return { key, image: imageOf(image, layout), ...(layout.split && { split: layout.split }) };
  }
  function annotationPiece(): Piece {
    const annotation = parseObject(bytes.toString());
    const key = idOf(annotation, 'image_id', bytes);
    const image = section === '' ? predictedImageOf(annotation) : undefined;
    const annotations = [annotationOf(annotation, bytes, found.kind === 'results' ? undefined : found.categories)];
    return { key, ...(image && { image }), unit: 'pixels', annotations };
  }
}
