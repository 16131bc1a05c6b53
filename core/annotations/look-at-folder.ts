/** Tells the formats that a folder may be of, by the names in it and the starts of some files. */
import type { FileRef } from '../sources/files.ts';
import type { AnnotationFormatName } from './formats/format.ts';
import { isLabelName } from './formats/yolo/label-file.ts';
import { headOf, lookAtFile, unlessUnavailable } from './look-at-file.ts';
import type { AnnotationFiles } from './reading/annotation-files.ts';
import { joinPath, nameOf, relativeTo } from './reading/paths.ts';
import { linesOf } from './reading/text.ts';

/** Files of these names may be annotations. */
const INTERESTING = /\.(txt|xml|json|jsonl|ndjson|csv|tsv|ya?ml)$/i;
/** Files whose names are looked at, and those of each extension whose start is. */
const MAX_NAMES = 5000;
const MAX_LOOKS = 10;
/** Files at the top of a folder that tell a format, however much lies before them. */
const TOP = ['data.yaml', 'data.yml', 'dataset.yaml', 'metadata.jsonl', 'metadata.csv', 'annotations.xml'];

interface Look {
  found: { format: AnnotationFormatName; path: string }[];
  /** What there is, for people. */
  seen: string;
}

export async function lookAtFolder(files: AnnotationFiles, folder: string): Promise<Look> {
  const byExtension = Map.groupBy(await interestingIn(files, folder), extensionOf);
  const paths = new Map<AnnotationFormatName, string[]>();
  const add = (format: AnnotationFormatName, path: string) => paths.set(format, [...(paths.get(format) ?? []), path]);
  for (const [extension, all] of byExtension) {
    for (const file of chosen(all, folder)) {
      const look = extension === 'txt' ? lookAtLabels(files, file) : lookAtFile(files, file);
      const format = await unlessUnavailable(look);
      // A table of any other name tells nothing of what it is about.
      if (format !== undefined && format !== 'csv' && format !== 'jsonl') add(format, file.path);
    }
  }
  // Settings name the label files.
  const yaml = paths.get('yolo')?.find((path) => /\.ya?ml$/i.test(path));
  const found = [...paths].map(([format, [first = folder, ...others]]) => {
    if (format === 'yolo') return { format, path: yaml ?? folder };
    // Not all files of COCO need be among those that were looked at: the plan takes each.
    const isOneFile = (format === 'labelstudio' || format === 'cvat') && others.length === 0;
    return { format, path: isOneFile ? first : folder };
  });
  const seen = [...byExtension].map(([extension, all]) => `${all.length} .${extension}`).join(', ');
  return { found, seen };
}

const extensionOf = ({ path }: FileRef) => path.slice(path.lastIndexOf('.') + 1).toLowerCase();

/** The files that may be annotations, those at the top first. */
async function interestingIn(files: AnnotationFiles, folder: string): Promise<FileRef[]> {
  const found = new Map<string, FileRef>();
  for (const name of TOP) {
    const path = joinPath(folder, name);
    if ((await files.kindOf(path)) === 'file') found.set(path, { path });
  }
  const accepts = (name: string) => INTERESTING.test(name) && (!/\.txt$/i.test(name) || isLabelName(name));
  for await (const listed of files.list(folder, accepts)) {
    for (const { path, bytes } of listed) found.set(path, { path, ...(bytes && { bytes }) });
    if (found.size >= MAX_NAMES) break;
  }
  return [...found.values()];
}

/** Files whose start is looked at. Hugging Face's table is at the top or one level below. */
function chosen(all: FileRef[], folder: string): FileRef[] {
  const isTooDeep = ({ path }: FileRef) =>
    /^metadata\.(?:csv|jsonl)$/i.test(nameOf(path)) && relativeTo(folder, path).split('/').length > 2;
  return all.filter((file) => !isTooDeep(file)).slice(0, MAX_LOOKS);
}

/** Lines of a class and at least four numbers are labels. So is an empty file in a folder of labels. */
async function lookAtLabels(files: AnnotationFiles, file: FileRef): Promise<AnnotationFormatName | undefined> {
  const lines = linesOf(await headOf(files, file));
  const first = lines.find((line) => line.trim() !== '');
  const isLabel = first === undefined ? file.path.includes('/labels/') : LABELS.test(first);
  return isLabel ? 'yolo' : undefined;
}

const LABELS = /^\ufeff?\s*\d+(?:\.0*)?(?:[\s,]+[+-]?[\d.]+(?:e[+-]?\d+)?){4,}\s*$/i;
