import type { Annotation, AnnotationClass } from '../../contract/annotation.ts';
import type { ExportCounts, ExportFormatName, ExportImages } from '../../contract/exports.ts';
import type { AnnotationTask } from '../annotations/formats/format.ts';
import type { FileRef } from '../sources/files.ts';
import type { OpenFile } from '../sources/source.ts';

export type * from '../../contract/exports.ts';

/** A sample to export. */
export interface ExportSample {
  seq: number;
  /** The file's full path. */
  file: FileRef;
  /** Its path below its source, with `/`. */
  name: string;
  /** Pixels as displayed: with the EXIF orientation applied. Unknown for files that could not be read. */
  width?: number;
  height?: number;
  split?: string;
  tags: readonly string[];
  /** Positions are relative to the picture as displayed. */
  annotations: readonly Annotation[];
  vector?: Float32Array;
}

/**
 * What to export, and how. Positions are relative to the picture as displayed. Formats that count pixels, or that state
 * an image's size, mean the displayed picture as well. Copied files are byte-equal, so they keep their EXIF orientation:
 * a program that trains on them has to apply it.
 */
export interface ExportRequest {
  /** The absolute path of the folder to write. It is not there, is empty, or holds an unfinished export like this one. */
  target: string;
  format: ExportFormatName;
  images: ExportImages;
  /** Classes in the order in which they were declared. Others follow as they come. */
  classes: readonly AnnotationClass[];
  dataset: string;
  /** The name of the field that holds the annotations. */
  field: string;
  /** What a line of a YOLO file says. Left out: the one kind that all annotations are of. */
  task?: AnnotationTask;
  /** Whether jsonl holds vectors. npy and parquet always do. */
  vectors?: boolean;
  /** What else decides which samples are written. */
  selection?: unknown;
  /** Tells one export from others of the same options: a job's ID. A repeated call of a finished one does nothing. */
  id: string;
  signal: AbortSignal;
  /** Called every few hundred samples, always with the same object. */
  onProgress(counts: ExportCounts): void;
  /** Opens a sample's file through its source. @throws FileUnavailableError */
  open(file: FileRef): Promise<OpenFile>;
}

export const noCounts = (): ExportCounts => ({
  samples: 0,
  annotations: 0,
  images: 0,
  renamed: 0,
  simplified: 0,
  skipped_samples: {},
  skipped_annotations: {},
});

/** A sample with the name that it has in the export. */
export interface NamedSample extends ExportSample {
  /**
   * The image's path below the folder of images, unique in the export, or its full path if images stay where they are
   * and another sample has the same path below its source.
   */
  exported: string;
}
