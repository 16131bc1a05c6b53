import { type ChunkText, chunkTextOf } from '../../core/chunk-text.ts';
import { getDataset } from '../../core/store/datasets.ts';
import type { SampleDocument } from '../../core/store/documents.ts';
import { countItems, itemsFrom } from '../../core/store/items-of-file.ts';
import type { ApiContext } from '../context.ts';
import { newRouter } from '../http/new-router.ts';
import { shownPath } from '../present/paths.ts';
import { problemOf } from '../problem/to-problem.ts';
import { getSample } from '../samples/get-sample.ts';
import type { DocumentChunk, DocumentPage } from '../schemas/documents.ts';
import { documentRoute } from './routes.ts';

export function documentRoutes({ backends, media }: ApiContext) {
  const { store } = backends.client;
  const router = newRouter();

  router.openapi(documentRoute, async (c) => {
    const { dataset, seq } = c.req.valid('param');
    const { from, limit } = c.req.valid('query');
    const [{ sources, media_type }, sample] = await Promise.all([
      getDataset(store, dataset),
      getSample(store, dataset, seq),
    ]);
    if (media.find(media_type)?.hasWords !== true)
      throw problemOf('NoDocument', `The samples of ${dataset} are no documents.`);
    const file = { datasetId: dataset, filepath: sample.filepath };
    const count = await countItems(store, file);
    const chunks = await itemsFrom(store, file, { from: from ?? fromAround(sample, count, limit), limit });
    const about = chunks[0] ?? sample;
    if (count === 0 || about.metadata === undefined) throw problemOf('NoDocument', whyNone(sample));
    return c.json(
      {
        path: shownPath(sample.filepath, sources),
        filepath: c.get('scope') === 'operate' ? sample.filepath : null,
        ...ofDocument(about.metadata),
        count,
        chunks: chunks.map(presentChunk),
        ...surroundings(chunks, count),
      },
      200,
    );
  });

  return router;
}

/** The first part of a page with the sample in its middle. A page at the end of the document is as full as others. */
function fromAround({ part, status }: SampleDocument, count: number, limit: number): number {
  const middle = status === 'indexed' ? part - Math.floor(limit / 2) : 0;
  return Math.max(0, Math.min(middle, count - limit));
}

function whyNone({ status, error }: SampleDocument): string {
  if (status === 'missing') return 'The file is missing, and so is its text.';
  return `The text of the file could not be read${error === undefined ? '' : ` (${error.code})`}.`;
}

type Metadata = NonNullable<SampleDocument['metadata']>;

function ofDocument(metadata: Metadata): Pick<DocumentPage, 'title' | 'format' | 'mime_type'> {
  const { title = null, format, mime_type } = metadata as Metadata & Omit<DocumentPage, 'title'> & { title?: string };
  return { title, format, mime_type };
}

function presentChunk({ seq, part, metadata }: SampleDocument): DocumentChunk {
  return { seq, part, ...chunkTextOf(metadata as unknown as ChunkText) };
}

function surroundings(chunks: readonly SampleDocument[], count: number): Pick<DocumentPage, 'before' | 'after'> {
  const [first, last] = [chunks[0], chunks.at(-1)];
  if (first === undefined || last === undefined) return { before: count, after: 0 };
  return { before: first.part, after: Math.max(0, count - 1 - last.part) };
}
