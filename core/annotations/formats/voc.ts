/**
 * Pascal VOC: an XML file for each image.
 *
 * Source: http://host.robots.ox.ac.uk/pascal/VOC/voc2012/htmldoc/devkit_doc.html
 */
import { UserError } from '../../errors.ts';
import type { AnnotationFiles } from '../reading/annotation-files.ts';
import { InvalidValue } from '../reading/invalid-value.ts';
import { folderOf, joinPath, nameOf, relativeTo, withoutExtension } from '../reading/paths.ts';
import { readListedFile } from '../reading/small-file.ts';
import { createStepBuilder, type StepBuilder } from '../reading/steps.ts';
import { decodeUtf8, linesOf } from '../reading/text.ts';
import { parseXml, type XmlElement, XmlError } from '../reading/xml.ts';
import type { AnnotationFormat, InvalidAnnotation, ReadRequest, ReadStep } from './format.ts';
import { readVocImage } from './voc/image.ts';

/** One image with thousands of polygons fits. The tree of a file takes many times its bytes. */
const MAX_BYTES = 8 << 20;
/** Files that are read at a time, to hide the latency of a network disk. */
const CONCURRENT = 8;

/** The last file that was read. */
interface Cursor {
  after: string;
}

export const voc: AnnotationFormat = { name: 'voc', read };

export const isXmlName = (name: string): boolean => /\.xml$/i.test(name);

async function* read(request: ReadRequest): AsyncGenerator<ReadStep> {
  const { files, path } = request;
  const kind = await files.kindOf(path);
  if (kind === undefined)
    throw new UserError('AnnotationsNotFound', `${path}: there is no file or folder that may be read.`);
  const step = createStepBuilder();
  const after = (request.from as Cursor | undefined)?.after;
  if (kind === 'file') {
    if (after !== undefined) return;
    const around = await surroundingsOf(files, folderOf(path));
    const broken = addFile(step, path, await files.read(path, MAX_BYTES), around);
    if (broken) throw new UserError('AnnotationsBroken', `${path}: line ${broken.line}: ${broken.message}`);
    yield step.take({ after: path });
    return;
  }
  const within = joinPath(path, 'Annotations');
  const around = await surroundingsOf(files, (await files.kindOf(within)) === 'folder' ? within : path);
  let cursor = after;
  for await (const listed of files.list(around.folder, isXmlName, after)) {
    for (let at = 0; at < listed.length; at += CONCURRENT) {
      const page = listed.slice(at, at + CONCURRENT);
      const loaded = await Promise.all(page.map((file) => readListedFile(files, file, MAX_BYTES)));
      for (const [index, file] of page.entries()) {
        const content = loaded[index] as Buffer | InvalidValue;
        step.count(0);
        const invalid =
          content instanceof InvalidValue ? { ...content, file: file.path } : addFile(step, file.path, content, around);
        if (invalid !== undefined) step.addInvalid(invalid);
        cursor = file.path;
        if (step.isFull) yield step.take({ after: cursor });
      }
    }
  }
  if (!step.isEmpty) yield step.take({ after: cursor });
}

/** Where files are read. */
interface Surroundings {
  /** The folder of the XML files. */
  folder: string;
  /** The folder that also holds `JPEGImages` and `ImageSets`. */
  root: string;
  /** The splits of all files by their names without extension. */
  splits: ReadonlyMap<string, string>;
}

async function surroundingsOf(files: AnnotationFiles, folder: string): Promise<Surroundings> {
  const root = nameOf(folder) === 'Annotations' ? folderOf(folder) : folder;
  return { folder, root, splits: await readSplits(files, root) };
}

/** Adds what a file says, or returns why it can't be read as a whole. */
function addFile(step: StepBuilder, path: string, bytes: Buffer, around: Surroundings): InvalidAnnotation | undefined {
  step.countBytes(bytes.length);
  const text = decodeUtf8(bytes);
  if (text === undefined) return { reason: 'bad_encoding', file: path, line: 1, message: 'The file is not UTF-8.' };
  const malformed = (line: number, message: string) => ({ reason: 'malformed' as const, file: path, line, message });
  let root: XmlElement;
  try {
    root = parseXml(text);
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    return malformed(error.line, `The XML breaks at column ${error.column}: ${error.message}.`);
  }
  if (root.name !== 'annotation')
    return malformed(root.line, `The root is <${root.name.slice(0, 80)}> instead of <annotation>.`);
  const key = withoutExtension(relativeTo(around.folder, path));
  const split = around.splits.get(nameOf(key));
  step.add({ key, ...readVocImage(root, { ...around, path, key }, step), ...(split !== undefined && { split }) });
  return undefined;
}

/** The splits of images, by their names without extension. `trainval` says nothing that the others don't. */
async function readSplits(files: AnnotationFiles, root: string): Promise<Map<string, string>> {
  const splits = new Map<string, string>();
  for (const split of ['train', 'val', 'test']) {
    const path = joinPath(root, `ImageSets/Main/${split}.txt`);
    if ((await files.kindOf(path)) !== 'file') continue;
    const text = decodeUtf8(await files.read(path));
    if (text === undefined) throw new UserError('AnnotationsBroken', `${path}: it is not UTF-8.`);
    for (const line of linesOf(text)) if (line.trim() !== '') splits.set(line.trim(), split);
  }
  return splits;
}
