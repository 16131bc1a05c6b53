import { z } from 'zod';
import type { DatasetPosition } from '../../core/store/datasets.ts';

/** How lists of datasets are sorted; with a minus, the other way round. */
export const DATASET_SORTS = [
  'name',
  '-name',
  'created_at',
  '-created_at',
  'last_modified_at',
  '-last_modified_at',
] as const;
export type DatasetSort = (typeof DATASET_SORTS)[number];

const content = z.tuple([z.string(), z.string(), z.iso.datetime().nullable()]);

/** A cursor names its sort: with another one, the pages would skip datasets. */
export function writeDatasetsCursor(sort: DatasetSort, { name, at }: DatasetPosition): string {
  return Buffer.from(JSON.stringify([sort, name, at?.toISOString() ?? null])).toString('base64url');
}

/** Undefined if the cursor is not one of ours for this sort. */
export function readDatasetsCursor(cursor: string, sort: DatasetSort): DatasetPosition | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    return undefined;
  }
  const { data } = content.safeParse(parsed);
  if (data === undefined || data[0] !== sort) return undefined;
  const [, name, at] = data;
  if ((at === null) !== /^-?name$/.test(sort)) return undefined;
  return at === null ? { name } : { name, at: new Date(at) };
}
