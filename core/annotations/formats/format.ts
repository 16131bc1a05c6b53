import type { Annotation, AnnotationClass } from '../../../contract/annotation.ts';
import {
  ANNOTATION_FORMATS,
  ANNOTATION_TASKS,
  type AnnotationFormatName,
  type AnnotationTask,
} from '../../../contract/annotations.ts';
import type { AnnotationFiles } from '../reading/annotation-files.ts';

export { ANNOTATION_FORMATS, ANNOTATION_TASKS, type AnnotationFormatName, type AnnotationTask };

/** The image that a piece is about, as the format knows it. */
export interface NamedImage {
  /** The name as it stands in the file: a path, or the end of one. Any separators, absolute or not. */
  name: string;
  /** Full paths where the format says that the image lies, the likeliest first. */
  paths?: string[];
  /** The names and the paths may lack the extension of the file. Any is right. */
  anyExtension?: true;
  /** Names that it may have instead, tried after `name`. */
  otherNames?: string[];
  /** Its size in pixels as the format states it: as displayed, or as stored before it is turned. */
  width?: number;
  height?: number;
}

/**
 * A part of what a format says of one image. A format hands over pieces as it comes to them; pieces with the same key
 * are joined, in order.
 */
export interface Piece {
  /** What all pieces of one image share, unique within one path that is read: an ID or a name. */
  key: string;
  /** At least one piece of an image has this. */
  image?: NamedImage;
  split?: string;
  tags?: string[];
  annotations?: Annotation[];
  /**
   * What the positions of these annotations count: pixels of the image at its stated size (at its real size if none is
   * stated), or shares of its width and height. `relative` if left out. Masks have a size of their own.
   */
  unit?: 'pixels' | 'relative';
}

/** A statement that could not be read. The others are. */
export interface InvalidAnnotation {
  reason: InvalidReason;
  file: string;
  /** From 1. Left out where a format has no lines. */
  line?: number;
  /** What is wrong, with the value: one sentence for people. */
  message: string;
}

export const INVALID_REASONS = [
  /** Not what the format allows there: a word for a number, too few numbers, broken syntax of one line or element. */
  'malformed',
  /** Valid in the format, and not read: a shape or a question of a kind that has no place here. */
  'unsupported',
  /** A class, an image or a keypoint that the file refers to but does not declare. */
  'unknown_reference',
  /** NaN, infinite, or a size that is zero or negative. */
  'bad_geometry',
  /** Not UTF-8. */
  'bad_encoding',
  /** No regular file, too large, or unreadable. */
  'unreadable_file',
  /** The task has to be named: the line may mean two things. */
  'unclear_task',
  /** More objects in one image than can be stored. */
  'too_many',
  /** Positions in pixels of an image whose size nobody knows. */
  'unknown_size',
  /** A name that several samples have, or a sample that is named twice. */
  'unclear_image',
] as const;
export type InvalidReason = (typeof INVALID_REASONS)[number];

/** What one step of a reading has found. */
export interface ReadStep {
  pieces: Piece[];
  invalid: InvalidAnnotation[];
  /** Classes that were declared since the step before. */
  classes: AnnotationClass[];
  /** Where the reading goes on after this step. JSON, below 64 KiB. */
  cursor: unknown;
  /** Bytes of annotations that were read since the step before. */
  bytes: number;
}

/** What is to be read. */
export interface ReadRequest {
  /** Canonical full path of the file or folder that was named. */
  path: string;
  files: AnnotationFiles;
  task?: AnnotationTask | undefined;
  /** Names of columns, of formats with columns. */
  columns?: Readonly<Record<string, string>> | undefined;
  /** The cursor of the last step that was kept, if an attempt before has come that far. */
  from?: unknown;
}

/** A format of annotations. */
export interface AnnotationFormat {
  name: AnnotationFormatName;
  /**
   * Reads a file or a folder. Steps are small: about 1 MB of input or 1,000 images each, so that memory stays bounded.
   *
   * @throws UserError AnnotationsBroken if the file as a whole can't be read; the message has line and column.
   */
  read(request: ReadRequest): AsyncGenerator<ReadStep>;
}
