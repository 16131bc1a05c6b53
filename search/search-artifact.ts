import type { SearchHit, SearchMode } from '../contract/search.ts';
import { type ArtifactIndex, readIndexFile } from '../core/artifact/index-file.ts';
import { type Artifact, openArtifact } from '../core/artifact/open-artifact.ts';
import type { Embedder } from '../core/embedding/embedder.ts';
import { UserError } from '../core/errors.ts';
import { documentsMediumOf, type Media } from '../core/media/medium.ts';
import { packWords, wordHashes } from '../core/packed-words.ts';
import { FUSED, fuse } from '../core/search/fuse.ts';
import { createPostings } from '../core/search/words/postings.ts';
import { markedForms, passageOf } from './passages.ts';

/** A search of an artifact, from its files alone. */
export interface ArtifactSearch {
  /** The video. */
  path: string;
  /** Its index. Without one, every frame is read, and only words are searched for. */
  index: string | undefined;
  text: string;
  limit: number;
  /** By both if left out, where the index and the model's files are there. */
  mode?: SearchMode | undefined;
}

/** The answer: like that of a search of a dataset. The number of a hit is that of its chunk. */
export interface ArtifactAnswer {
  dataset: string;
  mode: SearchMode;
  model_key: string | null;
  hits: SearchHit[];
}

/**
 * Finds the chunks of an artifact that are nearest to words.
 *
 * @throws UserError ArtifactUnreadable, ArtifactTooNew, ArtifactDamaged; IndexOfAnother when the index belongs to another
 *   artifact; ModelNotHere when vectors are asked for and the model is not here
 */
export async function searchArtifact(
  { path, index: indexPath, text, limit, mode: asked }: ArtifactSearch,
  { embedder, media }: { embedder: Pick<Embedder, 'embed'>; media: Media },
): Promise<ArtifactAnswer> {
  const artifact = await openArtifact(path);
  try {
    const index = indexPath === undefined ? undefined : await readIndexFile(indexPath);
    if (index !== undefined && indexPath !== undefined) requireSame(artifact, index, { path, indexPath });
    if (index === undefined && asked !== undefined && asked !== 'words')
      throw new UserError(
        'NoVectors',
        `${path} has no index with vectors. Name one with --index, or search for words.`,
      );
    const query =
      index === undefined || asked === 'words' ? undefined : await encode(text, index, asked, { embedder, media });
    const mode = query === undefined ? 'words' : (asked ?? 'hybrid');
    const depth = Math.max(FUSED, limit);
    const byWords = mode === 'vector' ? [] : await wordHits(artifact, index, text, depth);
    const byVectors = query === undefined || index === undefined ? [] : vectorHits(index, query, depth);
    const found = mode === 'hybrid' ? fuse(byVectors, byWords) : [...byVectors, ...byWords];
    return {
      dataset: artifact.manifest?.dataset ?? '',
      mode,
      model_key: query === undefined ? null : (index?.model.key ?? null),
      hits: await withChunks(artifact, found.slice(0, limit), text),
    };
  } finally {
    artifact.close();
  }
}

/** @throws UserError IndexOfAnother */
function requireSame(
  { manifest }: Artifact,
  { artifact }: ArtifactIndex,
  { path, indexPath }: { path: string; indexPath: string },
): void {
  if (manifest === undefined || manifest.sha256 === artifact.sha256) return;
  throw new UserError(
    'IndexOfAnother',
    `${indexPath} is the index of another artifact (of ${artifact.dataset}, ${artifact.created_at}), not of ${path}. ` +
      'Name the one that was written with it.',
  );
}

/** The vector of a query. Undefined if the model is not here and nobody has asked for vectors. */
async function encode(
  text: string,
  { model }: ArtifactIndex,
  asked: SearchMode | undefined,
  { embedder, media }: { embedder: Pick<Embedder, 'embed'>; media: Media },
): Promise<Float32Array | undefined> {
  try {
    const [outcome] = await embedder.embed(`${model.name}@${model.revision}`, documentsMediumOf(media), [{ text }]);
    if (outcome === undefined || !('vector' in outcome))
      throw new UserError(
        'InvalidInput',
        `text: ${outcome !== undefined && 'error' in outcome ? outcome.error.message : 'no vector'}.`,
      );
    return outcome.vector;
  } catch (error) {
    const isNotHere =
      error instanceof UserError && ['ModelNotFound', 'ModelChanged', 'ModelInvalid'].includes(error.code);
    if (!isNotHere || asked !== undefined) throw error;
    return undefined;
  }
}

type Found = Pick<SearchHit, 'seq' | 'filepath' | 'score' | 'ranks'>;

function vectorHits({ chunks }: ArtifactIndex, query: Float32Array, depth: number): Found[] {
  return chunks
    .flatMap(({ vector }, seq) => (vector === undefined ? [] : [{ seq, filepath: '', score: cosineOf(query, vector) }]))
    .sort((a, b) => b.score - a.score || a.seq - b.seq)
    .slice(0, depth);
}

function cosineOf(query: Float32Array, row: Int8Array): number {
  let [dot, square] = [0, 0];
  for (let i = 0; i < row.length; i += 1) {
    const element = row[i] as number;
    dot += (query[i] as number) * element;
    square += element * element;
  }
  return square === 0 ? 0 : dot / Math.sqrt(square);
}

/** Texts with words of the query, by BM25. Without an index, every chunk is read. */
async function wordHits(
  artifact: Artifact,
  index: ArtifactIndex | undefined,
  text: string,
  depth: number,
): Promise<Found[]> {
  const postings = createPostings();
  if (index !== undefined)
    postings.add(
      index.chunks.map((_, n) => n),
      index.chunks.map(({ words }) => words),
    );
  else
    for await (const read of artifact.chunks())
      if ('chunk' in read) postings.add([read.n], [packWords(read.chunk.text)]);
  const { seqs, scores } = postings.find(wordHashes(text), depth);
  return seqs.map((seq, i) => ({ seq, filepath: '', score: scores[i] as number }));
}

/** Reads the chunks of the hits from the video. One that is damaged is left out. */
async function withChunks(artifact: Artifact, found: readonly Found[], query: string): Promise<SearchHit[]> {
  const forms = markedForms(query);
  const byNumber = new Map(found.map((hit) => [hit.seq, hit]));
  const hits: SearchHit[] = [];
  for await (const read of artifact.chunks([...byNumber.keys()])) {
    const hit = byNumber.get(read.n);
    if (hit !== undefined && 'chunk' in read)
      hits.push({
        ...hit,
        filepath: read.chunk.document,
        passage: passageOf(read.chunk.part, read.chunk, forms),
      });
  }
  return hits;
}
