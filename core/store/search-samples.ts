import { BSON, type Filter, type FindCursor } from 'mongodb';
import type { PhaseName } from '../../contract/job.ts';
import { collectionsOf } from './collections.ts';
import type { SampleDocument } from './documents.ts';
import { INDEXED_METADATA, metadataIndex, SAMPLE_INDEXES } from './prepare.ts';
import { WITHOUT_LARGE_FIELDS, WITHOUT_WORDS } from './samples.ts';
import type { Store } from './store.ts';

/** Selects samples of a dataset. Each field narrows the selection. */
export interface SampleFilter {
  status?: SampleDocument['status'] | undefined;
  tag?: string | undefined;
  /** A sample must have all of these tags. */
  tags_all?: readonly string[] | undefined;
  /** A sample must have at least one of these tags. */
  tags_any?: readonly string[] | undefined;
  /** A sample must have none of these tags. */
  tags_none?: readonly string[] | undefined;
  /** The class of an annotation, in any field or in `field`. */
  label?: string | undefined;
  /** Samples that have annotations in this field. */
  field?: string | undefined;
  split?: string | undefined;
  /** `any`, a stage, or an error's code. */
  error?: string | undefined;
  min_bytes?: number | undefined;
  max_bytes?: number | undefined;
  /** Metadata fields that must equal a value. */
  equal?: Readonly<Record<string, string>> | undefined;
  /** Numeric metadata fields that must lie between two inclusive bounds. */
  between?: Readonly<Record<string, Bounds>> | undefined;
  /** Prefixes of `filepath`. A sample matches any of them. */
  prefixes?: readonly string[] | undefined;
  /** Case-insensitive search in the part of `filepath` after one of these folders. */
  text?: { needle: string; below: readonly string[] } | undefined;
}

/** Inclusive bounds of a number. */
export interface Bounds {
  min?: number | undefined;
  max?: number | undefined;
}

/** A search request. */
export interface SampleSearch {
  datasetId: string;
  filter: SampleFilter;
  /** Only samples after this seq, or before it if the direction is -1. */
  from?: number | undefined;
  direction?: 1 | -1;
  limit: number;
  /** Whether the samples are read with their annotations. */
  annotations?: boolean;
  /** The dataset's `next_seq`: all seqs are below it. */
  nextSeq: number;
}

/** One answer of a search. */
export interface FoundSamples {
  samples: SampleDocument[];
  /** The last seq that was examined, to continue from. Null at the end. */
  next: number | null;
}

/** The most samples that one search examines if no index decides the match. */
export const MAX_EXAMINED = 5_000;
/** The most files below a path that are sorted in memory instead of searched for among all samples. */
const MAX_SORTED = 2_000;
const MAX_TIME_MS = 10_000;

/**
 * Searches samples in seq order, with keyset paging. A filter on only a status, a tag, an error or an indexed metadata
 * field costs as much as the page, thanks to its index. Any other filter examines the samples that the most selective
 * index yields, at most MAX_EXAMINED. A search for rare samples among a million is then many quick answers instead of
 * one slow one.
 */
export async function searchSamples(store: Store, search: SampleSearch): Promise<FoundSamples> {
  const { datasetId, filter } = search;
  const { prefixes } = filter;
  if (prefixes !== undefined && (await isFew(store, datasetId, prefixes))) return findBelow(store, search, prefixes);
  const { driver, index, settled } = planOf(filter);
  const residual = residualOf(filter, settled);
  const keys = { dataset_id: datasetId, ...driver };
  if (residual === undefined) return find(store, search, { ...keys, ...afterPosition(search) }, index);
  return findInRange(store, search, { driver: keys, residual }, index);
}

async function findInRange(
  store: Store,
  search: SampleSearch,
  { driver, residual }: { driver: Filter<SampleDocument>; residual: Filter<SampleDocument> },
  index: string,
): Promise<FoundSamples> {
  const end = await endOfRange(store, search, driver, index);
  const stretch = end === undefined ? {} : { seq: search.direction === -1 ? { $gte: end } : { $lte: end } };
  const page = await find(store, search, { $and: [{ ...driver, ...afterPosition(search) }, stretch, residual] }, index);
  return page.next === null && end !== undefined ? { ...page, next: end } : page;
}

/** The seq up to which the index yields as many samples as a search may examine. Undefined if it yields fewer. */
async function endOfRange(
  store: Store,
  search: SampleSearch,
  driver: Filter<SampleDocument>,
  hint: string,
): Promise<number | undefined> {
  const { nextSeq, direction = 1 } = search;
  if (hint === SAMPLE_INDEXES.seq) {
    const from = direction === 1 ? (search.from ?? -1) : Math.min(search.from ?? nextSeq, nextSeq);
    const end = from + direction * MAX_EXAMINED;
    return end >= 0 && end < nextSeq - 1 ? end : undefined;
  }
  // A covered query: the index keys suffice.
  const last = await collectionsOf(store)
    .samples.find(
      { ...driver, ...afterPosition(search) },
      { projection: { _id: 0, seq: 1 }, sort: { seq: direction }, hint },
    )
    .skip(MAX_EXAMINED - 1)
    .limit(1)
    .next();
  return last?.seq;
}

async function find(
  store: Store,
  { limit, direction = 1, annotations = false }: SampleSearch,
  filter: Filter<SampleDocument>,
  hint: string,
): Promise<FoundSamples> {
  const options = { ...pageOptions(limit, annotations), sort: { seq: direction }, hint };
  return readPage(collectionsOf(store).samples.find(filter, options), limit, annotations);
}

/** Options of a query for a page of samples. */
export const pageOptions = (limit: number, annotations: boolean) => ({
  projection: annotations ? WITHOUT_WORDS : WITHOUT_LARGE_FIELDS,
  // One extra sample shows whether there are more.
  limit: limit + 1,
  // Annotations of a page may be many megabytes.
  batchSize: annotations ? 20 : limit + 2,
  maxTimeMS: MAX_TIME_MS,
});

/** Reads the page that a query with `pageOptions` finds. */
export async function readPage(
  found: FindCursor<SampleDocument>,
  limit: number,
  annotations: boolean,
): Promise<FoundSamples> {
  return annotations ? boundedPage(found, limit) : pageOf(await found.toArray(), limit);
}

/** The annotations of a page end it early once they take this many bytes. */
const MOST_ANNOTATION_BYTES = 16 << 20;

async function boundedPage(found: FindCursor<SampleDocument>, limit: number): Promise<FoundSamples> {
  const samples: SampleDocument[] = [];
  let bytes = 0;
  for await (const sample of found) {
    if (samples.length === limit || bytes > MOST_ANNOTATION_BYTES)
      return { samples, next: samples.at(-1)?.seq ?? null };
    samples.push(sample);
    if (sample.annotations !== undefined) bytes += BSON.calculateObjectSize(sample.annotations);
  }
  return { samples, next: null };
}

function pageOf(found: SampleDocument[], limit: number): FoundSamples {
  const samples = found.slice(0, limit);
  return { samples, next: found.length > limit ? (samples.at(-1)?.seq ?? null) : null };
}

function afterPosition({ from, direction = 1 }: SampleSearch): Filter<SampleDocument> {
  if (from === undefined) return {};
  return { seq: direction === 1 ? { $gt: from } : { $lt: from } };
}

type Driver = 'error' | 'tag' | 'label' | 'equal' | 'split' | 'status';

interface Plan {
  driver: Filter<SampleDocument>;
  index: string;
  /** The part of the filter that the index decides. */
  settled: Driver | undefined;
}

/** Chooses the most selective index: few samples have an error, and a tag is rarer than a status. */
function planOf(filter: SampleFilter): Plan {
  const { error, tag, tags_all, tags_any, label, field: annotated, equal, split, status } = filter;
  if (error !== undefined) {
    const settled = error === 'any' ? 'error' : undefined;
    return { driver: { error: { $exists: true } }, index: SAMPLE_INDEXES.error, settled };
  }
  if (tag !== undefined) return { driver: { tags: tag }, index: SAMPLE_INDEXES.tag, settled: 'tag' };
  const tagged = tags_all?.[0] ?? (tags_any && { $in: tags_any });
  if (tagged !== undefined) return { driver: { tags: tagged }, index: SAMPLE_INDEXES.tag, settled: undefined };
  if (label !== undefined) {
    // A partial index serves only queries that say what it holds.
    const driver = { classes: { $exists: true }, 'classes.label': label };
    return { driver, index: SAMPLE_INDEXES.classes, settled: annotated === undefined ? 'label' : undefined };
  }
  const field = INDEXED_METADATA.find((name) => equal?.[name] !== undefined);
  if (field !== undefined) {
    const only = Object.keys(equal ?? {}).length === 1;
    return {
      driver: { [`metadata.${field}`]: equal?.[field] },
      index: metadataIndex(field),
      settled: only ? 'equal' : undefined,
    };
  }
  if (split !== undefined)
    return { driver: { split: { $exists: true, $eq: split } }, index: SAMPLE_INDEXES.split, settled: 'split' };
  if (status !== undefined) return { driver: { status }, index: SAMPLE_INDEXES.status, settled: 'status' };
  return { driver: {}, index: SAMPLE_INDEXES.seq, settled: undefined };
}

/** The condition that a filter stands for. */
export const conditionOf = (filter: SampleFilter): Filter<SampleDocument> => residualOf(filter, undefined) ?? {};

/** The index that yields the fewest samples for a filter, the part of the filter that it decides, and the rest. */
export function indexFor(filter: SampleFilter): {
  driver: Filter<SampleDocument>;
  hint: string;
  rest: Filter<SampleDocument>;
} {
  const { driver, index, settled } = planOf(filter);
  return { driver, hint: index, rest: residualOf(filter, settled) ?? {} };
}

/** The part of the filter that the index does not decide. Undefined if there is none. */
function residualOf(filter: SampleFilter, settled: Driver | undefined): Filter<SampleDocument> | undefined {
  const { status, tag, tags_all, tags_any, tags_none, label, field, split } = filter;
  const { error, equal, between, min_bytes, max_bytes, prefixes, text } = filter;
  const open = <T>(name: Driver, value: T | undefined) => (name === settled ? undefined : value);
  const isAny = error === 'any';
  const conditions: Filter<SampleDocument>[] = [
    equals('status', open('status', status)),
    equals('tags', open('tag', tag)),
    tags_all === undefined ? [] : [{ tags: { $all: tags_all } }],
    tags_any === undefined ? [] : [{ tags: { $in: tags_any } }],
    tags_none === undefined ? [] : [{ tags: { $nin: tags_none } }],
    annotated(open('label', label), field),
    equals('split', open('split', split)),
    ...Object.entries(open('equal', equal) ?? {}).map(([field, value]) => equals(`metadata.${field}`, value)),
    isAny || error === undefined ? [] : [isStage(error) ? { 'error.stage': error } : { 'error.code': error }],
    isAny && settled !== 'error' ? [{ error: { $exists: true } }] : [],
    ...Object.entries(between ?? {}).map(([field, bounds]) => isBetween(`metadata.${field}`, bounds)),
    isBetween('source.size_bytes', { min: min_bytes, max: max_bytes }),
    prefixes === undefined ? [] : [inRanges(prefixes)],
    text === undefined ? [] : [textCondition(text)],
  ].flat();
  return conditions.length === 0 ? undefined : { $and: conditions };
}

/** A class, in a field if one is named; or any annotation in that field. */
function annotated(label: string | undefined, field: string | undefined): Filter<SampleDocument>[] {
  if (label !== undefined) return [{ classes: { $elemMatch: { label, ...(field === undefined ? {} : { field }) } } }];
  return field === undefined ? [] : [{ [`annotations.${field}`]: { $exists: true } }];
}

const isStage = (error: string): error is PhaseName => error === 'indexing' || error === 'embedding';

const equals = (field: string, value: string | undefined): Filter<SampleDocument>[] =>
  value === undefined ? [] : [{ [field]: value }];

function isBetween(field: string, { min, max }: Bounds): Filter<SampleDocument>[] {
  if (min === undefined && max === undefined) return [];
  return [{ [field]: { ...(min === undefined ? {} : { $gte: min }), ...(max === undefined ? {} : { $lte: max }) } }];
}

function inRanges(prefixes: readonly string[]): Filter<SampleDocument> {
  if (prefixes.length === 0) return { seq: -1 };
  return { $or: prefixes.map((prefix) => ({ filepath: rangeOf(prefix) })) };
}

/** All strings with this prefix in UTF-8 byte order. No valid string has the byte after that of U+10FFFF. */
function rangeOf(prefix: string): { $gte: string; $lt: string } {
  return { $gte: prefix, $lt: `${prefix}\u{10ffff}` };
}

function textCondition({ needle, below }: NonNullable<SampleFilter['text']>): Filter<SampleDocument> {
  if (below.length === 0) return { seq: -1 };
  return {
    $or: below.map((folder) => ({
      filepath: { $regex: `^${escaped(folder)}[\\s\\S]*${escaped(needle)}`, $options: 'i' },
    })),
  };
}

const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

async function isFew(store: Store, datasetId: string, prefixes: readonly string[]): Promise<boolean> {
  if (prefixes.length === 0) return true;
  const filter = { dataset_id: datasetId, ...inRanges(prefixes) };
  return (
    (await collectionsOf(store).samples.countDocuments(filter, {
      limit: MAX_SORTED + 1,
      hint: SAMPLE_INDEXES.path,
    })) <= MAX_SORTED
  );
}

async function findBelow(store: Store, search: SampleSearch, prefixes: readonly string[]): Promise<FoundSamples> {
  if (prefixes.length === 0) return { samples: [], next: null };
  const { datasetId, filter } = search;
  const residual = residualOf({ ...filter, prefixes: undefined }, undefined);
  const keys = { dataset_id: datasetId, ...inRanges(prefixes), ...afterPosition(search) };
  return find(store, search, residual === undefined ? keys : { $and: [keys, residual] }, SAMPLE_INDEXES.path);
}
