/**
 * CVAT for images 1.1: one XML file for all images.
 *
 * Source: https://docs.cvat.ai/docs/dataset_management/formats/format-cvat/
 */
import { UserError } from '../../errors.ts';
import { FileUnavailableError } from '../../sources/source.ts';
import type { Annotation } from '../annotation.ts';
import { type CvatLabels, NO_LABELS, readLabels } from './cvat/labels.ts';
import { segmentsOf } from './cvat/segments.ts';
import { type PictureSize, readShape } from './cvat/shapes.ts';
import { addTo, type DraftStep, emptyDraft, isEmpty, isFull } from './draft-step.ts';
import type { AnnotationFormat, NamedImage, Piece, ReadRequest, ReadStep } from './format.ts';
import { isFlaw } from './invalid.ts';
import { parseNumber } from './numbers.ts';
import { joinPath } from './paths.ts';
import { splitNamed } from './splits.ts';
import { decodeUtf8 } from './utf8.ts';
import { createXmlReader, type XmlElement, XmlError } from './xml.ts';

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
    if (error instanceof FileUnavailableError) throw new UserError('AnnotationsNotFound', `${file}: ${error.message}`);
    if (!(error instanceof XmlError)) throw error;
    throw new UserError('AnnotationsBroken', `${file}: line ${error.line}, column ${error.column}: ${error.message}.`);
  }
}

async function* readImages(
  file: string,
  files: ReadRequest['files'],
  from: Cursor | undefined,
): AsyncGenerator<ReadStep> {
  let labels: CvatLabels = NO_LABELS;
  /** What the current segment has. */
  let found = emptyDraft();
  /** Characters before the current segment, and the position of the image in it that begins with it. */
  let written = 0;
  let beginsImage = false;
  /** Lines that were skipped. */
  let skipped = 0;
  const reader = createXmlReader(
    1,
    (element, start) => {
      if (element.name === 'meta') {
        labels = readLabels(element);
        if (from === undefined) found.classes.push(...labels.classes);
      } else if (element.name === 'image') {
        beginsImage ||= start === written;
        addImage(found, element, { file, labels, skipped });
      } else if (element.name === 'track') {
        const message = 'It is "CVAT for video", which is not read. Export it as "CVAT for images 1.1"';
        throw new XmlError(message, element.line, 1);
      }
    },
    (root) => {
      if (root !== 'annotations')
        throw new XmlError(`The root is <${root.slice(0, 80)}> instead of <annotations>`, 1, 1);
    },
  );
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
    feed(await readHead(files, file, from.head));
    skipped = from.line - reader.line();
    found = emptyDraft();
  }
  const start = from?.offset ?? 0;
  let head = from?.head;
  let draft: DraftStep = emptyDraft();
  for await (const { bytes, offset } of segmentsOf(files.stream(file, start), start, MAX_SEGMENT_BYTES, tooLong)) {
    const line = reader.line() + skipped;
    feed(bytes);
    if (beginsImage) {
      head ??= offset;
      // Here, between two images, a reading can go on.
      if (isFull(draft)) {
        yield { ...draft, cursor: { offset, line, head } };
        draft = emptyDraft();
      }
    }
    found.bytes += bytes.length;
    addTo(draft, found);
    found = emptyDraft();
  }
  atLine(() => reader.end());
  if (!isEmpty(draft)) yield { ...draft, cursor: { offset: start, line: 0, head: 0, done: true } };
}

async function readHead(files: ReadRequest['files'], file: string, length: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let missing = length;
  for await (const bytes of files.stream(file)) {
    pieces.push(bytes.subarray(0, missing));
    missing -= bytes.length;
    if (missing <= 0) break;
  }
  return Buffer.concat(pieces);
}

function addImage(
  draft: DraftStep,
  element: XmlElement,
  { file, labels, skipped }: { file: string; labels: CvatLabels; skipped: number },
): void {
  const line = element.line + skipped;
  const { attributes } = element;
  const name = attributes.get('name');
  if (name === undefined || name === '') {
    draft.invalid.push({ reason: 'malformed', file, line, message: 'The image has no name.' });
    return;
  }
  const image: NamedImage = { name };
  const size = sizeOf(attributes);
  if (size !== undefined) [image.height, image.width] = size;
  const annotations: Annotation[] = [];
  for (const shape of element.children) {
    const found = readShape(shape, labels, size);
    if (isFlaw(found)) draft.invalid.push({ ...found, file, line: shape.line + skipped });
    else annotations.push(found);
  }
  const subset = attributes.get('subset') ?? '';
  // The tasks of a project may have images of one name, and each counts from 0.
  const key = [attributes.get('task_id') ?? '', attributes.get('id') ?? '', subset, name].join('\n');
  const piece: Piece = { key, image, unit: 'pixels', annotations };
  // CVAT's name for images without a subset.
  if (subset !== '' && subset.toLowerCase() !== 'default') piece.split = splitNamed(subset) ?? subset;
  draft.pieces.push(piece);
}

function sizeOf(attributes: XmlElement['attributes']): PictureSize {
  const height = parseNumber(attributes.get('height') ?? '');
  const width = parseNumber(attributes.get('width') ?? '');
  if (height === undefined || width === undefined || !(height > 0) || !(width > 0)) return undefined;
  return Number.isInteger(height) && Number.isInteger(width) ? [height, width] : undefined;
}
