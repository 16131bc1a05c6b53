import { getDataset, modelsOf } from '../../core/store/datasets.ts';
import type { SampleDocument } from '../../core/store/documents.ts';
import { describeVectors } from '../../core/store/embeddings.ts';
import { versionOf } from '../../core/store/sample-version.ts';
import { type FoundSamples, type SampleSearch, searchSamples } from '../../core/store/search-samples.ts';
import { type SampleSort, sortSamples } from '../../core/store/sort-samples.ts';
import type { Store } from '../../core/store/store.ts';
import { tagSelected } from '../../core/store/tag-selected.ts';
import type { ApiContext } from '../context.ts';
import { newRouter } from '../http/new-router.ts';
import { presentSample } from '../present/sample.ts';
import { storeFilter } from './filter.ts';
import { getSample } from './get-sample.ts';
import * as routes from './routes.ts';

export function sampleRoutes({ backends, tagCounts }: ApiContext) {
  const { store } = backends.client;
  const router = newRouter();

  router.openapi(routes.listRoute, async (c) => {
    const { dataset } = c.req.valid('param');
    const { after, limit, annotations, sort, ...filter } = c.req.valid('query');
    const scope = c.get('scope') ?? 'read';
    const { sources, next_seq } = await getDataset(store, dataset);
    const page = await inOrder(store, sort, {
      datasetId: dataset,
      filter: storeFilter(filter, sources, scope),
      from: after,
      limit,
      annotations,
      nextSeq: next_seq,
    });
    return c.json(
      { samples: page.samples.map((sample) => presentSample(sample, sources, scope)), next: page.next },
      200,
    );
  });

  router.openapi(routes.getRoute, async (c) => {
    const { dataset, seq } = c.req.valid('param');
    const { sources } = await getDataset(store, dataset);
    const sample = await getSample(store, dataset, seq);
    return c.json(
      {
        sample: presentSample(sample, sources, c.get('scope') ?? 'read'),
        vectors: await vectorsOf(store, sample),
      },
      200,
    );
  });

  router.openapi(routes.neighborsRoute, async (c) => {
    const { dataset, seq } = c.req.valid('param');
    const scope = c.get('scope') ?? 'read';
    const { sources, next_seq } = await getDataset(store, dataset);
    const filter = storeFilter(c.req.valid('query'), sources, scope);
    const [previous, next] = await Promise.all([
      nearest(store, { datasetId: dataset, filter, from: seq, nextSeq: next_seq, direction: -1, limit: 1 }),
      nearest(store, { datasetId: dataset, filter, from: seq, nextSeq: next_seq, direction: 1, limit: 1 }),
    ]);
    const present = (sample: SampleDocument | undefined) =>
      sample === undefined ? null : presentSample(sample, sources, scope);
    return c.json({ previous: present(previous), next: present(next) }, 200);
  });

  router.openapi(routes.tagRoute, async (c) => {
    const { dataset } = c.req.valid('param');
    const { add, remove, seqs, filter, after } = c.req.valid('json');
    const { sources, next_seq } = await getDataset(store, dataset);
    const which =
      seqs === undefined
        ? { filter: storeFilter(filter ?? {}, sources, c.get('scope') ?? 'read'), after, nextSeq: next_seq }
        : { seqs };
    const tagged = await tagSelected(store, dataset, { add, remove }, which);
    // The caller will read the tags next and must find the added ones.
    tagCounts.forget(dataset);
    return c.json(tagged, 200);
  });

  return router;
}

/** Searches in an order: `path`, or `-path` for the reverse. */
function inOrder(store: Store, sort: string, search: SampleSearch): Promise<FoundSamples> {
  const by = sort.replace('-', '');
  const directed: SampleSearch = { ...search, direction: by === sort ? 1 : -1 };
  return by === 'seq' ? searchSamples(store, directed) : sortSamples(store, directed, by as SampleSort);
}

const MOST_SEARCHES = 20;

async function nearest(store: Store, search: SampleSearch): Promise<SampleDocument | undefined> {
  let { from } = search;
  for (let searches = 0; searches < MOST_SEARCHES; searches += 1) {
    const { samples, next } = await searchSamples(store, { ...search, from });
    if (samples[0] !== undefined || next === null) return samples[0];
    from = next;
  }
  return undefined;
}

async function vectorsOf(store: Store, sample: SampleDocument) {
  const { dataset_id, seq } = sample;
  const models = (await modelsOf(store, dataset_id)).map(({ key }) => key);
  const found = await describeVectors(store, { datasetId: dataset_id, models, seq });
  return found.map(({ model_key, dim, version }) => ({ model_key, dim, current: version === versionOf(sample) }));
}
