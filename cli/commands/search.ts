import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { SEARCH_MODES, type SearchAnswer, type SearchMode, type SearchRequest } from '../../contract/search.ts';
import type { DatasetDocument } from '../../core/store/documents.ts';
import type { Store } from '../../core/store/store.ts';
import { model, wholeNumber } from '../arguments.ts';
import { UsageError } from '../failure.ts';
import { type CommonOptions, dataDirOption, dtypeOption, jsonOption } from '../options.ts';
import { createOutput, type Output } from '../output.ts';
import { addSampleFilters, givenFilter, type SampleFilterOptions, sampleFilterOf } from '../sample-filter-options.ts';
import { printable } from '../terminal/printable.ts';

interface SearchOptions extends CommonOptions, SampleFilterOptions {
  like?: string;
  sample?: number;
  vector?: string;
  mode?: SearchMode;
  index?: string;
  model?: string;
  limit: number;
  cursor?: string;
}

const MOST_HITS = 1000;
/** Columns of a terminal beside the path. */
const BESIDE_PATH = 20;
const SHORTEST_PATH = 20;
const INDENT = 2;

export function addSearchCommand(program: Command, end: (exitCode: number) => void): void {
  const command = program
    .command('search')
    .summary('find samples that are near to words, a picture, a sample or a vector')
    .description(
      'Finds the samples of a dataset that are nearest to words, a picture, a sample or a vector, also while an embedding is running.',
    )
    .argument('<dataset>', "the dataset's name, or an artifact: a file of QR codes, .mp4")
    .argument('[words]', 'what to find, for a model with a text side')
    .option('--like <file>', 'a picture on this machine, of 32 MiB at most')
    .option('--sample <seq>', 'the number of a sample; it is not among the hits', wholeNumber(0))
    .option('--vector <json>', 'a vector as JSON, or a file that holds one')
    .addOption(
      new Option('--mode <mode>', 'how to search documents for words (default: hybrid)').choices([...SEARCH_MODES]),
    )
    .option('--index <file.json>', "an artifact's index (default: the file of its name beside it)")
    .option('--model <model>', 'key or name of the model (default: the one that serves)', model)
    .addOption(dtypeOption())
    .option('--limit <n>', 'at most this many', wholeNumber(1, MOST_HITS), 20)
    .option('--cursor <cursor>', 'go on after a page: its "next"');
  addSampleFilters(command)
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
The score is the cosine of the query and the sample's vector: 1 at most. Of
documents, --mode hybrid joins a search by vectors with one by words, and the
score is the sum of 1 / (60 + place) over the two; words alone are scored by
BM25. Words and pictures need the files of the model on this machine, at the
revision that made the vectors: in PLIMSOLL_MODELS, or fetched with "plimsoll
models fetch".

With --json: {"dataset", "mode", "model_key", "exact", "hits": [{"seq",
"filepath", "score"}], "next"}. Hits in documents have "passage" {part, text,
title, headings, page, record, start, end, marks}, and in hybrid "ranks". exact
is false if a better hit may be missing: an index of neighbours or MongoDB's
vector search was asked, or too many vectors are too much alike. next is the
--cursor of the next page, null on the last, and after 10,000 hits.

--where takes format, width, height, page, tokens and bytes. A range has
inclusive bounds, and one may be left out: width=640.. or bytes=..1000000.

Exit codes: 0 done, also without a hit; 1 not possible, as without vectors; 2
wrong usage; 3 no such dataset, model or sample.

Examples:
  plimsoll search photos "a red car in the snow"
  plimsoll search photos --like ./example.jpg --limit 5
  plimsoll search photos --sample 17 --tag keep --where width=1024..
  plimsoll search docs "how do I resume a job" --mode words
  plimsoll search handbook.mp4 "how do I resume a job"
  plimsoll search photos "a dog" --json | jq -r '.hits[].filepath'`,
    )
    .action(async (dataset: string, words: string | undefined, options: SearchOptions) =>
      end(await search(dataset, words, options)),
    );
}

async function search(dataset: string, words: string | undefined, options: SearchOptions): Promise<number> {
  if (await isArtifact(dataset)) return searchFile(dataset, words, options);
  const query = await queryOf(words, options);
  const filter = await sampleFilterOf(options);
  const [{ withStore }, { getDataset }, { openSearcher }] = await Promise.all([
    import('../connection.ts'),
    import('../../core/store/datasets.ts'),
    import('../../search/open-searcher.ts'),
  ]);
  const output = createOutput(options);
  return withStore({ dataDir: options.data }, async (store) => {
    const document = await getDataset(store, dataset);
    const searcher = openSearcher({ store, waitsForIndex: true });
    try {
      const { limit, cursor } = options;
      const answer = await searcher.search({
        dataset,
        ...query,
        mode: options.mode,
        model: options.model,
        limit,
        cursor,
        filter,
      });
      const lines = output.json ? [] : await tableOf(answer, document.sources, output);
      output.result(answer, () => lines);
      await noteLimits(store, document, { answer, asked: options.mode !== undefined }, output);
      return 0;
    } finally {
      await searcher.close();
    }
  });
}

/** Whether the name is that of a video here, rather than of a dataset. */
const isArtifact = async (name: string) =>
  /\.mp4$/i.test(name) && (await stat(name).catch(() => undefined)) !== undefined;

/** Searches an artifact: the video, and the index beside it. It needs no server. */
async function searchFile(file: string, words: string | undefined, options: SearchOptions): Promise<number> {
  if (words === undefined) throw new UsageError('Give the words to search the video for.');
  const { cursor, model: named, like, sample, vector } = options;
  const others = Object.entries({ cursor, model: named, like, sample, vector });
  const useless =
    givenFilter(options) ?? others.flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`]))[0];
  if (useless !== undefined) throw new UsageError(`${useless} is for datasets. A video is searched for words alone.`);
  const [{ searchArtifact }, { createEmbedder }, { knownMedia }] = await Promise.all([
    import('../../search/search-artifact.ts'),
    import('../../inference/embedder.ts'),
    import('../../core/media/registry.ts'),
  ]);
  const output = createOutput(options);
  const path = resolve(file);
  const beside = path.replace(/\.mp4$/i, '.json');
  const index = options.index ?? ((await stat(beside).catch(() => undefined)) === undefined ? undefined : beside);
  const embedder = createEmbedder({ devices: [{ type: 'cpu' }] });
  try {
    const { limit, mode } = options;
    const answer = await searchArtifact({ path, index, text: words, limit, mode }, { embedder, media: knownMedia() });
    const lines = output.json ? [] : await tableOf({ ...answer, exact: true, next: null }, [], output);
    output.result(answer, () => lines);
    if (output.json) return 0;
    if (index === undefined) output.note(`note: there is no index ${beside}, so every frame was read for its words.`);
    else if (answer.mode === 'words' && mode === undefined)
      output.note('note: only words were searched for; the model of the vectors is not on this machine.');
    if (answer.hits.length === 0) output.note('No hits.');
    return 0;
  } finally {
    await embedder.close();
  }
}

/** @throws UsageError */
async function queryOf(
  text: string | undefined,
  { like, sample, vector }: SearchOptions,
): Promise<Pick<SearchRequest, 'text' | 'picture' | 'sample' | 'vector'>> {
  const given = [text, like, sample, vector].filter((query) => query !== undefined);
  if (given.length !== 1) throw new UsageError('Give one query: words, --like, --sample or --vector.');
  if (text !== undefined) return { text };
  if (sample !== undefined) return { sample };
  if (vector !== undefined) return { vector: await vectorIn(vector) };
  return { picture: resolve(like as string) };
}

async function vectorIn(given: string): Promise<number[]> {
  const isText = given.trimStart().startsWith('[');
  const text = isText
    ? given
    : await readFile(given, 'utf8').catch((error: Error) => {
        throw new UsageError(`--vector: the file can't be read: ${error.message}`);
      });
  let vector: unknown;
  try {
    vector = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`--vector: this is not JSON: ${(error as Error).message}`);
  }
  if (Array.isArray(vector) && vector.every((element) => typeof element === 'number')) return vector;
  throw new UsageError('--vector: expected a list of numbers, such as [0.12, -0.5, 0.3].');
}

async function tableOf(
  { hits }: SearchAnswer,
  sources: readonly string[],
  { paint, width }: Output,
): Promise<string[]> {
  if (hits.length === 0) return [];
  const [{ columns }, { shortPath }, { passageLines, placeOf }] = await Promise.all([
    import('../terminal/columns.ts'),
    import('../terminal/sample-path.ts'),
    import('../terminal/passage.ts'),
  ]);
  // Programs read the whole path.
  const pathOf = (path: string) =>
    width === Number.POSITIVE_INFINITY
      ? printable(path)
      : shortPath(path, sources, Math.max(SHORTEST_PATH, width - BESIDE_PATH));
  if (hits.some(({ passage }) => passage !== undefined))
    return hits.flatMap(({ seq, filepath, score, passage }, i) => [
      ...(i === 0 ? [] : ['']),
      [
        paint.cyan(pathOf(filepath)),
        passage === undefined ? '' : placeOf(passage),
        paint.dim(`#${seq} ${score.toFixed(3)}`),
      ]
        .filter((part) => part !== '')
        .join(' · '),
      ...(passage === undefined
        ? []
        : passageLines(passage, { paint, width: width - INDENT }).map((line) => `  ${line}`)),
    ]);
  return columns(
    [{ title: 'SCORE', align: 'right' }, { title: 'SEQ', align: 'right' }, { title: 'PATH' }],
    hits.map(({ seq, filepath, score }) => [score.toFixed(3), String(seq), pathOf(filepath)]),
    paint,
    width,
  );
}

/** Says what the hits may lack. */
async function noteLimits(
  store: Store,
  dataset: DatasetDocument,
  { answer, asked }: { answer: SearchAnswer; asked: boolean },
  output: Output,
): Promise<void> {
  const share = await embeddedSoFar(store, dataset, answer.model_key);
  if (share !== undefined) output.note(`searching while embedding: ${share} % so far`);
  if (answer.mode === 'words' && answer.model_key === null && !asked)
    output.note('note: only words were searched for; vectors can not be searched yet, or not here.');
  if (!answer.exact) output.note('note: a better hit may be missing.');
  if (output.json) return;
  if (answer.hits.length === 0) output.note('No hits.');
  if (answer.next !== null) output.note(`More: add --cursor ${answer.next}`);
}

/** The percentage of samples with a vector while an embedding with this model runs. Undefined if there is none. */
async function embeddedSoFar(
  store: Store,
  { counts, phases }: DatasetDocument,
  modelKey: string | null,
): Promise<number | undefined> {
  if (modelKey === null || phases.embedding?.state !== 'running') return undefined;
  const { readStatus } = await import('../../core/jobs/read-status.ts');
  const embedding = (await readStatus(store, phases.embedding.job_id))?.phases.embedding;
  if (embedding?.model_key !== modelKey || embedding.total === 0) return undefined;
  const samples = Math.max(counts.indexed, embedding.total);
  return Math.floor(100 * (1 - (embedding.total - embedding.done) / samples));
}
