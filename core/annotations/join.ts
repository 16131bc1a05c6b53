import type { Annotation } from '../../contract/annotation.ts';
import type { NamedImage, Piece } from './formats/format.ts';

/** All that one path says of one image. */
export interface AnnotatedImage {
  /** Left out if only annotations refer to it. */
  image?: NamedImage;
  key: string;
  split?: string;
  tags: string[];
  /** Annotations whose positions count the same. */
  parts: { unit: 'pixels' | 'relative'; annotations: Annotation[] }[];
  /** Whether it has more objects than can be stored. */
  tooMany: boolean;
}

/** A piece as it was stored. */
type StoredPiece = Piece & { tooMany?: true };

/** Joins the pieces of each image, in the order in which they were read. */
export function joinPieces(pieces: readonly StoredPiece[]): AnnotatedImage[] {
  const images = new Map<string, AnnotatedImage>();
  for (const { key, image, split, tags, annotations, unit = 'relative', tooMany } of pieces) {
    let joined = images.get(key);
    if (joined === undefined) {
      joined = { key, tags: [], parts: [], tooMany: false };
      images.set(key, joined);
    }
    if (image !== undefined) joined.image = { ...joined.image, ...image };
    if (split !== undefined) joined.split = split;
    if (tags !== undefined) joined.tags.push(...tags);
    if (tooMany) joined.tooMany = true;
    if (annotations === undefined || annotations.length === 0) continue;
    const last = joined.parts.at(-1);
    if (last?.unit === unit) last.annotations.push(...annotations);
    else joined.parts.push({ unit, annotations: [...annotations] });
  }
  return [...images.values()];
}
