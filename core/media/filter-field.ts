/** A field of a medium's metadata that samples can be filtered by: one of some values, or a range of whole numbers. */
export type FilterField =
  | { name: string; kind: 'choice'; values: readonly [string, ...string[]]; description: string }
  | { name: string; kind: 'range'; most: number; description: string };
