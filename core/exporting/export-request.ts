import type { Annotation, AnnotationClass } from '../annotations/annotation.ts';
import type { AnnotationTask } from '../annotations/formats/format.ts';
import type { FileRef } from '../sources/files.ts';
import type { OpenFile } from '../sources/source.ts';

/** The formats that are written, by the name that people give. */
export const EXPORT_FORMATS = ['coco', 'yolo', 'voc', 'csv', 'jsonl', 'fiftyone', 'folders', 'npy', 'parquet'] as const;
export type ExportFormatName = (typeof EXPORT_FORMATS)[number];

/** Whether image files are left where they are, copied into the export, or linked to by symbolic links. */
export const EXPORT_IMAGES = ['none', 'copy', 'link'] as const;
export type ExportImages = (typeof EXPORT_IMAGES)[number];

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
  /** Tells one export from others of the same options: a job's ID. A repeated call of a finished one does nothing. */
  id: string;
  signal: AbortSignal;
  /** Called every few hundred samples, always with the same object. */
  onProgress(counts: ExportCounts): void;
  /** Opens a sample's file through its source. @throws FileUnavailableError */
  open(file: FileRef): Promise<OpenFile>;
}

/** Why a sample, or an annotation, is not in an export. */
export type SkipReason =
  | /** Its file can't be read, or has no path that a link could lead to. */ 'file_unavailable'
  | /** The format needs the picture's size. */ 'unknown_size'
  | /** The format can't hold the file's name: it has a line break or a control character. */ 'unwritable_name'
  | /** The format can't hold the class: it is no name of a folder, or has a control character. */ 'unwritable_class'
  | /** The format needs a class. */ 'no_class'
  | /** The image has several classes, and the format holds one. */ 'several_classes'
  | /** It has no vector. */ 'no_vector'
  | /** The format, or the task, has no words for this kind of annotation. */ 'other_kind'
  | /** It has more keypoints than the other skeletons. */ 'keypoint_count';

export interface ExportCounts {
  /** Samples that are in the export. */
  samples: number;
  /** Annotations of these that are in the export. */
  annotations: number;
  /** Image files that were copied or linked, by this attempt or one before. */
  images: number;
  /** Samples whose name another one had, so that the export gives them another name. */
  renamed: number;
  /** Polygons of YOLO that lost a hole or were cut into one object for each part: a line has room for a single ring. */
  simplified: number;
  skipped_samples: Partial<Record<SkipReason, number>>;
  skipped_annotations: Partial<Record<SkipReason, number>>;
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
