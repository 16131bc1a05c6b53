/** What callers say about exports, and what they are told. */

/** The formats that are written. */
export const EXPORT_FORMATS = ['coco', 'yolo', 'voc', 'csv', 'jsonl', 'fiftyone', 'folders', 'npy', 'parquet'] as const;
export type ExportFormatName = (typeof EXPORT_FORMATS)[number];

/** The formats whose records are vectors. */
export const VECTOR_FORMATS: readonly ExportFormatName[] = ['npy', 'parquet'];

/** Whether image files are left where they are, copied into the export, or linked to by symbolic links. */
export const EXPORT_IMAGES = ['none', 'copy', 'link'] as const;
export type ExportImages = (typeof EXPORT_IMAGES)[number];

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

/** How far an export is. */
export interface ExportedCounts extends ExportCounts {
  /** Samples to export; 0 until that is known. */
  total: number;
}
