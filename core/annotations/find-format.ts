/** Finds the format of annotations. A format is never guessed: what is not certain is a question to the caller. */
import { UserError } from '../errors.ts';
import type { FileRef } from '../sources/files.ts';
import { ANNOTATION_FORMATS, type AnnotationFormatName } from './formats/format.ts';
import { isXmlName } from './formats/voc.ts';
import { hasKey, headOf, lookAtFile, unlessUnavailable } from './look-at-file.ts';
import { lookAtFolder } from './look-at-folder.ts';
import type { AnnotationFiles } from './reading/annotation-files.ts';
import { joinPath } from './reading/paths.ts';

/** A format, and the file or folder to read. */
export interface FoundFormat {
  format: AnnotationFormatName;
  path: string;
}

const ARCHIVE = /\.(?:zip|tar|gz|tgz|bz2|xz|zst|7z|rar)$/i;

/**
 * The format of annotations that somebody named.
 *
 * @param path full path of a file or folder
 * @param asked the format, if it was named, too
 * @throws UserError AnnotationsNotFound, AnnotationsUnclear
 */
export async function findFormat(
  files: AnnotationFiles,
  path: string,
  asked?: AnnotationFormatName,
): Promise<FoundFormat> {
  const kind = await files.kindOf(path);
  if (kind === undefined)
    throw new UserError(
      'AnnotationsNotFound',
      `annotations: there is no file at ${path}, nor a folder with something in it, that the worker may read.`,
    );
  if (kind === 'file' && ARCHIVE.test(path))
    throw new UserError('AnnotationsUnclear', `annotations: ${path} is an archive: unpack it, and name its folder.`);
  if (asked !== undefined) return { format: asked, path };
  if (kind === 'file') {
    const format = await unlessUnavailable(lookAtFile(files, { path }));
    if (format !== undefined) return { format, path };
    throw unclear(path, 'its name and its beginning fit no format');
  }
  const { found, seen } = await lookAtFolder(files, path);
  const [first, ...others] = found;
  if (first === undefined)
    throw unclear(path, seen === '' ? 'no file in it looks like annotations' : `it holds ${seen}`);
  if (others.length > 0)
    throw unclear(path, `it may be ${found.map((one) => `${one.format} (${one.path})`).join(' or ')}`);
  return first;
}

const unclear = (path: string, why: string) =>
  new UserError(
    'AnnotationsUnclear',
    `annotations: the format of ${path} is not certain: ${why}. ` +
      `Name it with \`--annotation-format\`: ${ANNOTATION_FORMATS.join(', ')}.`,
  );

/**
 * The annotations that certainly belong to a folder of images, because they lie where a format puts them. Undefined if
 * there are none.
 *
 * @throws UserError AnnotationsUnclear if there are several
 */
export async function findBesideImages(files: AnnotationFiles, root: string): Promise<FoundFormat | undefined> {
  const found: FoundFormat[] = [];
  for (const name of ['data.yaml', 'data.yml']) {
    const path = joinPath(root, name);
    const text = await headAt(files, path);
    if (
      text !== undefined &&
      hasKey(text, 'names') &&
      ['train', 'val', 'valid', 'test'].some((key) => hasKey(text, key))
    )
      found.push({ format: 'yolo', path });
  }
  for (const name of ['metadata.jsonl', 'metadata.csv']) {
    const path = joinPath(root, name);
    if ((await formatAt(files, path)) === 'huggingface') found.push({ format: 'huggingface', path });
  }
  if (await hasVoc(files, joinPath(root, 'Annotations'))) found.push({ format: 'voc', path: root });
  const coco = await cocoOfRoboflow(files, root);
  if (coco !== undefined) found.push(coco);
  return oneOf(found, root);
}

/** Roboflow writes a file for each split. Several are one dataset. */
async function cocoOfRoboflow(files: AnnotationFiles, root: string): Promise<FoundFormat | undefined> {
  const paths: string[] = [];
  for (const folder of ['', 'train', 'valid', 'test']) {
    const path = joinPath(joinPath(root, folder), '_annotations.coco.json');
    if ((await formatAt(files, path)) === 'coco') paths.push(path);
  }
  const [first, ...others] = paths;
  return first === undefined ? undefined : { format: 'coco', path: others.length === 0 ? first : root };
}

/** @throws UserError AnnotationsUnclear */
function oneOf(all: FoundFormat[], root: string): FoundFormat | undefined {
  if (all.length < 2) return all[0];
  throw new UserError(
    'AnnotationsUnclear',
    `annotations: ${root} holds several: ${all.map(({ format, path }) => `${format} (${path})`).join(', ')}. ` +
      'Name one with `--annotations PATH`, or none with `--annotations none`.',
  );
}

const formatAt = (files: AnnotationFiles, path: string) => formatOfFile(files, { path });

const formatOfFile = async (files: AnnotationFiles, file: FileRef) =>
  (await files.kindOf(file)) === 'file' ? unlessUnavailable(lookAtFile(files, file)) : undefined;

const headAt = async (files: AnnotationFiles, path: string) =>
  (await files.kindOf(path)) === 'file' ? unlessUnavailable(headOf(files, { path })) : undefined;

async function hasVoc(files: AnnotationFiles, folder: string): Promise<boolean> {
  if ((await files.kindOf(folder)) !== 'folder') return false;
  for await (const [first] of files.list(folder, isXmlName))
    if (first !== undefined) return (await formatOfFile(files, first)) === 'voc';
  return false;
}
