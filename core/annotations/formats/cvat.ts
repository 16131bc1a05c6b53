/**
 * CVAT for images 1.1: one XML file for all images.
 *
 * Source: https://docs.cvat.ai/docs/dataset_management/formats/format-cvat/
 */

import type { Annotation } from '../../../contract/annotation.ts';
import { UserError } from '../../errors.ts';
import { joinPath } from '../reading/paths.ts';
import { splitNamed } from '../reading/splits.ts';
import { createStepBuilder, type StepBuilder } from '../reading/steps.ts';
import { decodeUtf8 } from '../reading/text.ts';
import { sizeOf } from '../reading/values.ts';
import { createXmlReader, type XmlElement, XmlError } from '../reading/xml.ts';
import { type CvatLabels, NO_LABELS, readLabels } from './cvat/labels.ts';
import { segmentsOf } from './cvat/segments.ts';
import { type PictureSize, readShape } from './cvat/shapes.ts';
import type { AnnotationFormat, NamedImage, Piece, ReadRequest, ReadStep } from './format.ts';

/** One image with its shapes, or all labels. */
const MAX_SEGMENT_BYTES = 32 << 20;

/** Where an image begins. */
interface Cursor {
  offset: number;
  /** The line there, from 1. */
  line: number;
  /** Where the first image begins: what is before it is read again. */
  head: number;
  done?: true;
}

export const cvat: AnnotationFormat = { name: 'cvat', read };

async function* read({ path, files, from }: ReadRequest): AsyncGenerator<ReadStep> {
  const cursor = from as Cursor | undefined;
  if (cursor?.done) return;
  const file = (await files.kindOf(path)) === 'folder' ? joinPath(path, 'annotations.xml') : path;
  try {
    yield* readImages(file, files, cursor);
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    throw new UserError('AnnotationsBroken', `${file}: line ${error.line}, column ${error.column}: ${error.message}.`);
  }
}

async function* readImages(
  file: string,
  files: ReadRequest['files'],
  from: Cursor | undefined,
): AsyncGenerator<ReadStep> {
  const step = createStepBuilder();
  let labels: CvatLabels = NO_LABELS;
  /** The elements that the current segment has completed. */
  let elements: XmlElement[] = [];
  /** Characters before the current segment, and whether an image begins with it. */
  let written = 0;
  let beginsImage = false;
  /** Lines that were skipped. */
  let skipped = 0;
  const reader = createXmlReader(
    1,
    (element, start) => {
      if (element.name === 'image') beginsImage ||= start === written;
      elements.push(element);
    },
    (root) => {
      if (root !== 'annotations')
        throw new XmlError(`The root is <${root.slice(0, 80)}> instead of <annotations>`, 1, 1);
    },
  );
  /** Adds what the current segment has. */
  const addElements = () => {
    for (const element of elements) {
      if (element.name === 'image') addImage(step, element, { file, labels, skipped });
      else if (element.name === 'track') {
        const message = 'It is "CVAT for video", which is not read. Export it as "CVAT for images 1.1"';
        throw new XmlError(message, element.line + skipped, 1);
      } else if (element.name === 'meta') {
        labels = readLabels(element);
        step.addClasses(labels.classes);
      }
    }
    elements = [];
  };
  const atLine = (act: () => void) => {
    try {
      act();
    } catch (error) {
      throw error instanceof XmlError ? new XmlError(error.message, error.line + skipped, error.column) : error;
    }
  };
  const feed = (bytes: Buffer) => {
    const text = decodeUtf8(bytes);
    if (text === undefined) throw new XmlError('The text is not UTF-8', reader.line() + skipped, 1);
    beginsImage = false;
    atLine(() => reader.write(text));
    written += text.length;
  };
  const tooLong = (offset: number) => {
    const message = `What begins at byte ${offset} has over ${MAX_SEGMENT_BYTES} bytes`;
    throw new XmlError(message, reader.line() + skipped, 1);
  };

  if (from !== undefined) {
    feed(await files.head(file, from.head));
    skipped = from.line - reader.line();
    addElements();
    // The first reading has handed them over.
    step.take(from);
  }
  const start = from?.offset ?? 0;
  let head = from?.head;
  for await (const { bytes, offset } of segmentsOf(files.stream(file, start), start, MAX_SEGMENT_BYTES, tooLong)) {
    const line = reader.line() + skipped;
    feed(bytes);
    if (beginsImage) {
      head ??= offset;
      // Here, between two images, a reading can go on.
      if (step.isFull) yield step.take({ offset, line, head } satisfies Cursor);
    }
    step.countBytes(bytes.length);
    addElements();
  }
  atLine(() => reader.end());
  if (!step.isEmpty) yield step.take({ offset: start, line: 0, head: 0, done: true } satisfies Cursor);
}

function addImage(
  step: StepBuilder,
  element: XmlElement,
  { file, labels, skipped }: { file: string; labels: CvatLabels; skipped: number },
): void {
  const line = element.line + skipped;
  step.count(0);
  const { attributes } = element;
  const name = attributes.get('name');
  if (name === undefined || name === '') {
    step.addInvalid({ reason: 'malformed', file, line, message: 'The image has no name.' });
    return;
  }
  const image: NamedImage = { name };
  const size = pictureSize(attributes);
  if (size !== undefined) [image.height, image.width] = size;
  const annotations: Annotation[] = [];
  for (const shape of element.children) {
    step.attempt({ file, line: shape.line + skipped }, () => {
      annotations.push(readShape(shape, labels, size));
      return undefined;
    });
  }
  const subset = attributes.get('subset') ?? '';
  // The tasks of a project may have images of one name, and each counts from 0.
  const key = [attributes.get('task_id') ?? '', attributes.get('id') ?? '', subset, name].join('\n');
  const piece: Piece = { key, image, unit: 'pixels', annotations };
  // CVAT's name for images without a subset.
  if (subset !== '' && subset.toLowerCase() !== 'default') piece.split = splitNamed(subset) ?? subset;
  step.add(piece);
}

function pictureSize(attributes: XmlElement['attributes']): PictureSize {
  const height = sizeOf(attributes.get('height'));
  const width = sizeOf(attributes.get('width'));
  return height === undefined || width === undefined ? undefined : [height, width];
}
