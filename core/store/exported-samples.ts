/** Samples with their annotations of a field, and their vectors, as exports need them. */
import type { Annotation } from '../../contract/annotation.ts';
import { collectionsOf } from './collections.ts';
import { currentSamples } from './current-vectors.ts';
import type { FieldDocument, SampleDocument } from './documents.ts';
import { oneBatch } from './one-batch.ts';
import { conditionOf, indexFor, type SampleFilter } from './search-samples.ts';
import type { Store } from './store.ts';

/** Which samples are exported: those that are indexed now, and match the filter. */
export interface ExportQuery {
  datasetId: string;
  filter: Omit<SampleFilter, 'status'>;
  /** The field of annotations. */
  field: string;
  /** The model whose vectors are read; no vectors if left out. */
  modelKey?: string | undefined;
}

/** A sample to export. */
export interface StoredExport
  extends Pick<SampleDocument, 'seq' | 'filepath' | 'filepath_bytes' | 'split' | 'tags' | 'metadata'> {
  objects: Annotation[];
  /** Of what the sample holds now. */
  vector?: Float32Array;
}

/** Samples that are read at a time. Their annotations may take megabytes. */
const PAGE = 64;

type Found = Pick<SampleDocument, 'seq' | 'filepath' | 'filepath_bytes' | 'split' | 'tags' | 'metadata'> & {
  annotations?: Record<string, Pick<FieldDocument, 'sets'>>;
};

/** Samples in seq order, a page at a time: what reads them may be slow, and no cursor of the server waits for it. */
export async function* samplesToExport(store: Store, query: ExportQuery): AsyncGenerator<StoredExport[]> {
  const { datasetId, field, modelKey } = query;
  const { driver, hint, rest } = indexFor({ ...query.filter, status: 'indexed' });
  const projection = {
    _id: 0,
    seq: 1,
    filepath: 1,
    filepath_bytes: 1,
    split: 1,
    tags: 1,
    'metadata.width': 1,
    'metadata.height': 1,
    [`annotations.${field}.sets`]: 1,
  };
  for (let after = -1; ; ) {
    const page = (await collectionsOf(store)
      .samples.find(
        { $and: [{ dataset_id: datasetId, ...driver, seq: { $gt: after } }, rest] },
        { projection, sort: { seq: 1 }, limit: PAGE, hint, ...oneBatch(PAGE) },
      )
      .toArray()) as unknown as Found[];
    const last = page.at(-1);
    if (last === undefined) return;
    const vectors = await vectorsOf(store, { datasetId, modelKey }, page);
    yield page.map(({ annotations, ...sample }) => {
      const vector = vectors.get(sample.seq);
      const objects = Object.values(annotations?.[field]?.sets ?? {}).flatMap((set) => set.objects);
      return { ...sample, objects, ...(vector === undefined ? {} : { vector }) };
    });
    after = last.seq;
  }
}

async function vectorsOf(
  store: Store,
  { datasetId, modelKey }: Pick<ExportQuery, 'datasetId' | 'modelKey'>,
  page: readonly Found[],
): Promise<Map<number, Float32Array>> {
  if (modelKey === undefined) return new Map();
  const seqs = page.map(({ seq }) => seq);
  const found = await currentSamples(store, { datasetId, modelKey }, seqs);
  return new Map(found.map(({ seq, vector }) => [seq, vector]));
}

/** Counts the samples of an export. */
export async function countToExport(store: Store, { datasetId, filter }: ExportQuery): Promise<number> {
  return collectionsOf(store).samples.countDocuments({
    dataset_id: datasetId,
    ...conditionOf({ ...filter, status: 'indexed' }),
  });
}
