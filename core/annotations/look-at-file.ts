/** Tells a format by the start of a file. */
import type { FileRef } from '../sources/files.ts';
import { FileUnavailableError } from '../sources/source.ts';
import type { AnnotationFormatName } from './formats/format.ts';
import { isXmlName } from './formats/voc.ts';
import { outlineOf } from './json-outline.ts';
import type { AnnotationFiles } from './reading/annotation-files.ts';
import { nameOf } from './reading/paths.ts';
import { linesOf } from './reading/text.ts';

/** How much of a file is looked at. */
const HEAD_BYTES = 64 << 10;

/** The first 64 KiB of a file as text. @throws FileUnavailableError */
export async function headOf(files: AnnotationFiles, file: FileRef): Promise<string> {
  // Bytes that are no UTF-8 are the reader's matter.
  return new TextDecoder().decode(await files.head(file, HEAD_BYTES));
}

/** What a look at a file tells, or undefined if it can't be read. */
export async function unlessUnavailable<T>(look: Promise<T>): Promise<T | undefined> {
  try {
    return await look;
  } catch (error) {
    if (error instanceof FileUnavailableError) return undefined;
    throw error;
  }
}

/** The format that a file is certainly of, by its name and its start. @throws FileUnavailableError */
export async function lookAtFile(files: AnnotationFiles, file: FileRef): Promise<AnnotationFormatName | undefined> {
  const name = nameOf(file.path).toLowerCase();
  const head = () => headOf(files, file);
  if (/\.ya?ml$/.test(name)) return hasKey(await head(), 'names') ? 'yolo' : undefined;
  if (/^metadata\.(?:csv|jsonl)$/.test(name) && hasFileNames(name, await head())) return 'huggingface';
  if (/\.(?:csv|tsv)$/.test(name)) return 'csv';
  if (/\.(?:jsonl|ndjson)$/.test(name)) return 'jsonl';
  if (name.endsWith('.json')) return formatOfJson(await head());
  if (isXmlName(name)) return formatOfXml(await head());
  return undefined;
}

/** Whether YAML has a key at its top. */
export const hasKey = (yaml: string, key: string): boolean => new RegExp(`^(["']?)${key}\\1\\s*:`, 'm').test(yaml);

function hasFileNames(name: string, head: string): boolean {
  const [line = ''] = linesOf(head);
  if (name.endsWith('.jsonl')) return outlineOf(line).keys.has('file_name');
  return line.split(/[,;\t]/).some((column) => column.trim().replace(/^"(.*)"$/, '$1') === 'file_name');
}

function formatOfJson(head: string): AnnotationFormatName | undefined {
  const { root, keys, itemKeys } = outlineOf(head);
  const hasAll = (found: ReadonlySet<string>, ...names: string[]) => names.every((name) => found.has(name));
  if (root === 'array') {
    if (hasAll(itemKeys(''), 'image_id', 'category_id')) return 'coco';
    return itemKeys('').has('data') || itemKeys('').has('annotations') ? 'labelstudio' : undefined;
  }
  if (keys.has('images') && (keys.has('annotations') || keys.has('categories'))) return 'coco';
  if (hasAll(keys, 'shapes', 'imagePath')) return 'labelme';
  // A long list may hide the other keys.
  if (hasAll(itemKeys('images'), 'file_name', 'id') || hasAll(itemKeys('annotations'), 'image_id', 'category_id'))
    return 'coco';
  return hasAll(itemKeys('shapes'), 'label', 'points') ? 'labelme' : undefined;
}

function formatOfXml(head: string): AnnotationFormatName | undefined {
  const [, root] = /^\s*<([\w.:-]+)/.exec(head.replaceAll(/<\?.*?\?>|<!--.*?-->/gs, '')) ?? [];
  if (root === 'annotation') return 'voc';
  return root === 'annotations' && /<(?:version|image|meta|track)[\s>]/.test(head) ? 'cvat' : undefined;
}
