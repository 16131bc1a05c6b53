/**
 * What people or models say of a picture, in the terms of FiftyOne's labels. Positions are relative to the picture as
 * it is displayed, with EXIF orientation applied: x and y from 0 at the left and top to 1 at the right and bottom.
 */

/** x and y. */
export type Point = [x: number, y: number];

/** The left, top, width and height of a box. */
export type Box = [x: number, y: number, width: number, height: number];

/** A mask of the whole picture, as COCO's compressed RLE: `counts` runs down the columns. */
export interface Mask {
  /** Height and width in pixels. */
  size: [height: number, width: number];
  counts: string;
}

/** A position of a skeleton: 0 not labelled, 1 labelled but hidden, 2 visible. */
export type Keypoint = [x: number, y: number, visibility: number];

/** One object, or one statement about the whole picture. It has whatever is known: a caption has no label. */
export interface Annotation {
  /** The class. */
  label?: string;
  bounding_box?: Box;
  /** The rings of a polygon. A ring inside another is a hole: what an odd number of rings surrounds is inside. */
  points?: Point[][];
  /** Set if `points` is the single ring of an oriented box: its four corners, in order. */
  oriented?: true;
  mask?: Mask;
  keypoints?: Keypoint[];
  caption?: string;
  /** From 0 to 1. */
  confidence?: number;
  /** The region holds many objects that nobody counted. */
  iscrowd?: true;
  /** What else the format says of it. */
  attributes?: Record<string, string | number | boolean>;
}

/** A class as a format declares it. Formats that number classes mean the order of declaration. */
export interface AnnotationClass {
  name: string;
  /** Its number in the format: COCO's category ID, YOLO's index. */
  id?: number;
  supercategory?: string;
  /** The names of the positions of its skeleton, and which of them (from 0) are joined. */
  keypoints?: string[];
  skeleton?: [number, number][];
}
