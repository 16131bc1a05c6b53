import type { AnnotationClass } from '../../../contract/annotation.ts';
import type { InvalidAnnotation, Piece, ReadStep } from '../formats/format.ts';
import { InvalidValue } from './invalid-value.ts';

/** The size of a step: input in bytes, and lines or images. */
const STEP_BYTES = 1 << 20;
const STEP_ITEMS = 1_000;

/** A step that is being filled. */
export interface StepBuilder {
  /** Pieces of one image are joined if they say nothing contrary. */
  add(piece: Piece): void;
  addInvalid(invalid: InvalidAnnotation): void;
  addClasses(classes: readonly AnnotationClass[]): void;
  /**
   * Runs `make`, and adds the piece that it returns. A value that is wrong makes one invalid annotation at this place.
   *
   * @param part what of the line or element is read, for messages
   */
  attempt(place: Pick<InvalidAnnotation, 'file' | 'line'>, make: () => Piece | undefined, part?: string): void;
  /** Counts an item that was read: a line, an element, an image. */
  count(bytes: number): void;
  /** Counts input between items. */
  countBytes(bytes: number): void;
  readonly isFull: boolean;
  /** Whether nothing was read or found. */
  readonly isEmpty: boolean;
  /** What was found since the last call. */
  take(cursor: unknown): ReadStep;
}

export function createStepBuilder(): StepBuilder {
  let pieces: Piece[] = [];
  /** The last piece of each image and unit. */
  let last = new Map<string, Piece>();
  let invalid: InvalidAnnotation[] = [];
  let classes: AnnotationClass[] = [];
  let bytes = 0;
  let items = 0;

  function add(piece: Piece): void {
    const id = `${piece.unit ?? 'relative'} ${piece.key}`;
    const known = last.get(id);
    if (known === undefined || (piece.split !== undefined && piece.split !== known.split)) {
      last.set(id, piece);
      pieces.push(piece);
      return;
    }
    if (piece.annotations !== undefined) {
      known.annotations ??= [];
      for (const annotation of piece.annotations) known.annotations.push(annotation);
    }
    if (piece.tags !== undefined) known.tags = [...new Set([...(known.tags ?? []), ...piece.tags])];
  }

  return {
    add,
    addInvalid: (one) => void invalid.push(one),
    addClasses: (more) => {
      for (const one of more) classes.push(one);
    },
    attempt(place, make, part) {
      try {
        const piece = make();
        if (piece !== undefined) add(piece);
      } catch (error) {
        if (!(error instanceof InvalidValue)) throw error;
        invalid.push({ reason: error.reason, ...place, message: part ? `${part}: ${error.message}` : error.message });
      }
    },
    count(read) {
      bytes += read;
      items += 1;
    },
    countBytes: (read) => {
      bytes += read;
    },
    get isFull() {
      return bytes >= STEP_BYTES || items >= STEP_ITEMS || invalid.length >= STEP_ITEMS;
    },
    get isEmpty() {
      return items + bytes + pieces.length + invalid.length + classes.length === 0;
    },
    take(cursor) {
      const step: ReadStep = { pieces, invalid, classes, cursor, bytes };
      pieces = [];
      classes = [];
      last = new Map();
      invalid = [];
      bytes = 0;
      items = 0;
      return step;
    },
  };
}
