/**
 * Pascal VOC: an XML file for each image.
 *
 * Source: http://host.robots.ox.ac.uk/pascal/VOC/voc2012/htmldoc/devkit_doc.html
 */
import { UserError } from '../../errors.ts';
import { FileUnavailableError } from '../../sources/source.ts';
import type { AnnotationFiles } from '../reading/annotation-files.ts';
import { type DraftStep, emptyDraft, isEmpty, isFull } from './draft-step.ts';
import type { AnnotationFormat, InvalidAnnotation, Piece, ReadRequest, ReadStep } from './format.ts';
import { folderOf, joinPath, nameOf, relativeTo, withoutExtension } from './paths.ts';
import { decodeUtf8 } from './utf8.ts';
import { readVocImage } from './voc/image.ts';
import { parseXml, XmlError } from './xml.ts';

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
  if (kind === 'file') return yield* readSingle(request);

  const within = joinPath(path, 'Annotations');
  const folder = (await files.kindOf(within)) === 'folder' ? within : path;
  const root = rootOf(folder);
  const splits = await readSplits(files, root);
  const after = (request.from as Cursor | undefined)?.after;
  let draft = emptyDraft();
  let cursor = after;
  for await (const listed of files.list(folder, isXmlName, after)) {
    for (let at = 0; at < listed.length; at += CONCURRENT) {
      const paths = listed.slice(at, at + CONCURRENT).map((file) => file.path);
      const found = await Promise.all(paths.map((file) => readFile(files, file, { folder, root, splits })));
      for (const [index, { piece, invalid, bytes }] of found.entries()) {
        if (piece !== undefined) draft.pieces.push(piece);
        draft.invalid.push(...invalid);
        draft.bytes += bytes;
        cursor = paths[index];
        if (!isFull(draft)) continue;
        yield { ...draft, cursor: { after: cursor } };
        draft = emptyDraft();
      }
    }
  }
  if (!isEmpty(draft)) yield { ...draft, cursor: { after: cursor } };
}

/** One file. If it is broken, nothing is left. */
async function* readSingle({ files, path, from }: ReadRequest): AsyncGenerator<ReadStep> {
  if (from !== undefined) return;
  const folder = folderOf(path);
  const root = rootOf(folder);
  const { piece, invalid, bytes } = await readFile(files, path, {
    folder,
    root,
    splits: await readSplits(files, root),
  });
  const draft: DraftStep = { ...emptyDraft(), invalid, bytes };
  if (piece === undefined) throw new UserError('AnnotationsBroken', `${path}: ${brokenAt(invalid[0])}`);
  draft.pieces.push(piece);
  yield { ...draft, cursor: { after: path } };
}

const brokenAt = ({ line, message }: Partial<InvalidAnnotation> = {}) =>
  line === undefined ? `${message}` : `line ${line}: ${message}`;

/** The folder that also holds `JPEGImages` and `ImageSets`. */
const rootOf = (folder: string) => (nameOf(folder) === 'Annotations' ? folderOf(folder) : folder);

/** Where a file is read, and the splits of all files by their names without extension. */
interface Surroundings {
  folder: string;
  root: string;
  splits: ReadonlyMap<string, string>;
}

interface FileResult {
  /** Absent if the file can't be read as a whole. */
  piece?: Piece;
  invalid: InvalidAnnotation[];
  bytes: number;
}

async function readFile(files: AnnotationFiles, path: string, around: Surroundings): Promise<FileResult> {
  const invalid: InvalidAnnotation[] = [];
  let bytes = 0;
  const failed = (reason: InvalidAnnotation['reason'], message: string, line?: number): FileResult => ({
    invalid: [{ reason, file: path, message, ...(line === undefined ? {} : { line }) }],
    bytes,
  });
  try {
    const size = await files.size(path);
    if (size > MAX_BYTES)
      return failed('unreadable_file', `It has ${size} bytes, and such a file may have ${MAX_BYTES}.`);
    const content = await files.read(path);
    bytes = content.length;
    const text = decodeUtf8(content);
    if (text === undefined) return failed('bad_encoding', 'The file is not UTF-8.');
    const root = parseXml(text);
    if (root.name !== 'annotation')
      return failed('malformed', `The root is <${root.name.slice(0, 80)}> instead of <annotation>.`, root.line);
    const key = withoutExtension(relativeTo(around.folder, path));
    const piece: Piece = { key, ...readVocImage(root, { ...around, path, key }, invalid) };
    const split = around.splits.get(key) ?? around.splits.get(nameOf(key));
    if (split !== undefined) piece.split = split;
    return { piece, invalid, bytes };
  } catch (error) {
    if (error instanceof FileUnavailableError) return failed('unreadable_file', error.message);
    if (!(error instanceof XmlError)) throw error;
    return failed('malformed', `The XML breaks at column ${error.column}: ${error.message}.`, error.line);
  }
}

/** The splits of images, by their names without extension. `trainval` says nothing that the others don't. */
async function readSplits(files: AnnotationFiles, root: string): Promise<Map<string, string>> {
  const splits = new Map<string, string>();
  for (const split of ['train', 'val', 'test']) {
    const path = joinPath(root, `ImageSets/Main/${split}.txt`);
    if ((await files.kindOf(path)) !== 'file') continue;
    const text = decodeUtf8(await files.read(path));
    if (text === undefined) throw new UserError('AnnotationsBroken', `${path}: it is not UTF-8.`);
    for (const line of text.split(/\r\n|\n|\r/)) if (line.trim() !== '') splits.set(line.trim(), split);
  }
  return splits;
}
