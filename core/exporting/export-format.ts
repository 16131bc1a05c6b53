import { hash } from 'node:crypto';
import type { ClassList } from './class-list.ts';
import type { ExportCounts, ExportRequest, ExportSample, NamedSample, SkipReason } from './export-request.ts';
import type { TargetFolder } from './target-folder.ts';

/** What a format writes to. */
export interface ExportOutput {
  folder: TargetFolder;
  request: ExportRequest;
  classes: ClassList;
  counts: ExportCounts;
  /** Counts an annotation that is left out. */
  skip(reason: SkipReason): void;
}

/** A format that is written. */
export interface ExportFormat {
  /** Where the format puts the image, below the target. */
  imagePath(sample: NamedSample): string;
  /** Where the format puts the image's label file, if it has one. */
  labelPath?(sample: NamedSample): string;
  /** Why a sample can't be in the export at all. */
  refuse?(sample: ExportSample): SkipReason | undefined;
  /**
   * Writes samples as they come, and holds no more than a few hundred of them. Everything is at its place when it
   * returns.
   */
  write(samples: AsyncIterable<NamedSample>, output: ExportOutput): Promise<void>;
}

/** A split as part of a file's or a folder's name: characters that have a meaning in paths are percent-encoded. */
export function splitFolder(split: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  const name = split.replaceAll(/[%/\\\u0000-\u001f\u007f]|^\.+/g, (found) =>
    [...found].map((character) => `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`).join(''),
  );
  if (name.length <= MAX_SPLIT) return name;
  return `${name.slice(0, MAX_SPLIT).toWellFormed()}~${hash('sha1', split).slice(0, 8)}`;
}

/** Characters of up to 3 bytes each fit in a name of 255 bytes, with what is around them. */
const MAX_SPLIT = 60;
