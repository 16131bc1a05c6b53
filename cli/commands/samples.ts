import type { Command } from 'commander';
import { presentAnnotations } from '../../api/present/sample.ts';
import type { Medium } from '../../core/media/medium.ts';
import type { SampleDocument } from '../../core/store/documents.ts';
import { wholeNumber } from '../arguments.ts';
import { type CommonOptions, dataDirOption, jsonOption } from '../options.ts';
import { createOutput, type Output } from '../output.ts';
import { addSampleFilters, type SampleFilterOptions, sampleFilterOf } from '../sample-filter-options.ts';
import { printable } from '../terminal/printable.ts';

interface SamplesOptions extends CommonOptions, SampleFilterOptions {
  after?: number;
  limit: number;
  annotations?: boolean;
  errors?: boolean;
}

const MOST = 100_000;
/** Columns of a terminal beside the path: at most so many, and with errors at least so many. */
const BESIDE_PATH = 45;
const BESIDE_PATH_OF_ERRORS = 54;
const SHORTEST_PATH = 20;
const LONGEST_PATH = 60;

export function addSamplesCommand(program: Command, end: (exitCode: number) => void): void {
  const command = program
    .command('samples')
    .summary("list a dataset's samples")
    .description("Lists a dataset's samples by their number (seq), also while a load is running.")
    .argument('<dataset>', "the dataset's name")
    .option('--after <seq>', 'only samples after this number: the next page', wholeNumber(0))
    .option('--limit <n>', 'at most this many', wholeNumber(1, MOST), 20);
  addSampleFilters(command)
    .option('--errors', 'only samples that could not be read or embedded, and why')
    .option('--annotations', 'with --json: each sample with its annotations')
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
With --json: {"dataset", "samples": [...], "next"}: next is the --after of the
next page, null on the last. With several filters a page may hold fewer samples
than --limit, and have a next one. Each sample:
  id, seq, status        indexed, failed, missing
  filepath               bytes that are not UTF-8 stand as \\xNN in it
  filepath_base64        the path's bytes where they are not UTF-8, else null
  size_bytes
  metadata               null, or {size_bytes, mime_type, format, width, height,
                         num_channels, orientation}
  error                  null, or {code, message, stage, at}
  tags, split            split may be null
  annotations            with --annotations: {FIELD: [{label, bounding_box}]}
  job_id, created_at, last_modified_at

Exit codes: 0 done, 2 wrong usage, 3 no such dataset.

Examples:
  plimsoll samples photos
  plimsoll samples photos --errors
  plimsoll samples photos --label cat --split val --field ground_truth
  plimsoll samples photos --after 20 --limit 100
  plimsoll samples photos --limit 1000 --json | jq -r '.samples[].filepath'`,
    )
    .action(async (dataset: string, options: SamplesOptions) => end(await samples(dataset, options)));
}

async function samples(dataset: string, options: SamplesOptions): Promise<number> {
  const { after, limit, errors = false } = options;
  const filter = { ...(await sampleFilterOf(options)), error: errors ? ('any' as const) : undefined };
  const [{ withStore }, { knownMedia }, { getDataset }, { searchSamples }] = await Promise.all([
    import('../connection.ts'),
    import('../../core/media/registry.ts'),
    import('../../core/store/datasets.ts'),
    import('../../core/store/search-samples.ts'),
  ]);
  const output = createOutput(options);
  return withStore({ dataDir: options.data }, async (store) => {
    const { sources, media_type, next_seq } = await getDataset(store, dataset);
    const found: SampleDocument[] = [];
    let next: number | null = after ?? null;
    // A search looks through a bounded number of samples, so a rare match may take several.
    do {
      const page = await searchSamples(store, {
        datasetId: dataset,
        filter,
        from: next ?? undefined,
        limit: limit - found.length,
        nextSeq: next_seq,
        annotations: output.json && options.annotations === true,
      });
      found.push(...page.samples);
      next = page.next;
    } while (found.length < limit && next !== null);
    const lines = output.json
      ? []
      : await tableOf(found, { sources, medium: knownMedia().byName(media_type), errors, output });
    output.result({ dataset, samples: found.map(documentOf), next }, () => lines);
    if (output.json) return 0;
    if (found.length === 0) output.note(errors ? 'No errors.' : 'No samples.');
    if (next !== null) output.note(`More: add --after ${next}`);
    return 0;
  });
}

function documentOf(sample: SampleDocument) {
  return {
    id: sample._id.toHexString(),
    seq: sample.seq,
    filepath: sample.filepath,
    filepath_base64: sample.filepath_bytes ? Buffer.from(sample.filepath_bytes.buffer).toString('base64') : null,
    status: sample.status,
    size_bytes: sample.source.size_bytes,
    metadata: sample.metadata ?? null,
    tags: sample.tags,
    split: sample.split ?? null,
    ...(sample.annotations === undefined ? {} : { annotations: presentAnnotations(sample.annotations) }),
    error: sample.error ?? null,
    job_id: sample.job_id,
    created_at: sample.created_at,
    last_modified_at: sample.last_modified_at,
  };
}

async function tableOf(
  rows: readonly SampleDocument[],
  {
    sources,
    medium,
    errors,
    output: { paint, width },
  }: { sources: readonly string[]; medium: Medium; errors: boolean; output: Output },
): Promise<string[]> {
  if (rows.length === 0) return [];
  const [{ columns }, { shortPath }] = await Promise.all([
    import('../terminal/columns.ts'),
    import('../terminal/sample-path.ts'),
  ]);
  const withErrors = rows.some(({ error }) => error !== undefined);
  const statuses = { indexed: paint.green, failed: paint.red, missing: paint.yellow };
  const room = width - (withErrors ? BESIDE_PATH_OF_ERRORS : BESIDE_PATH);
  const longest = withErrors ? Math.min(LONGEST_PATH, room) : room;
  // Programs read the whole path.
  const pathOf = (path: string) =>
    width === Number.POSITIVE_INFINITY ? printable(path) : shortPath(path, sources, Math.max(SHORTEST_PATH, longest));
  return columns(
    [
      { title: 'SEQ', align: 'right' },
      { title: 'PATH' },
      // A file that could not be read has neither.
      ...(errors ? [] : ([{ title: 'SIZE', align: 'right' }, { title: 'FORMAT' }] as const)),
      { title: 'STATUS' },
      ...(withErrors ? [{ title: 'ERROR' }] : []),
    ],
    rows.map(({ seq, filepath, metadata, status, error }) => [
      String(seq),
      pathOf(filepath),
      ...(errors ? [] : [metadata ? medium.sizeInWords(metadata) : '', printable(String(metadata?.format ?? ''))]),
      status === 'indexed' && error !== undefined ? paint.red('not embedded') : statuses[status](status),
      ...(withErrors ? [error ? `${error.code}: ${printable(error.message)}` : ''] : []),
    ]),
    paint,
    width,
  );
}
