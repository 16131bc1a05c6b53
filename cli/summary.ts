import type { PlimsollClient } from '../client/plimsoll-client.ts';
import { isBrowsable } from '../client/wait.ts';
import type { FileOutcomes, JobKind, JobStatus, PhaseStatus } from '../contract/job.ts';
import { removes } from '../core/jobs/kinds.ts';
import type { SampleDocument } from '../core/store/documents.ts';
import { listSamples } from '../core/store/list-samples.ts';
import type { Store } from '../core/store/store.ts';
import { endOf } from './end-of.ts';
import { hadNothingToRetry, readNothing } from './nothing-to-retry.ts';
import type { Paint } from './paint.ts';
import { pathWithin } from './path-within.ts';
import { printable } from './printable.ts';
import { hasRate, PHASES, took, wordsOf } from './progress/phase-words.ts';
import { removalLine } from './progress/removal-line.ts';
import { count, counted, duration, perSecond, secondsBetween } from './quantities.ts';
import { wrapWords } from './wrap-words.ts';

const FILES_NAMED = 3;
const PATHS_NAMED = 5;
const LONGEST_NAME = 50;
const SHORTEST_NAME = 20;
/** What a code, a few words and the gaps need beside a file's name. */
const BESIDE_NAME = 52;
const NARROWEST_REASON = 20;
/** Before what to do next. */
const NAME_COLUMNS = 12;

const OUTCOMES: readonly [keyof FileOutcomes, string][] = [
  ['added', 'added'],
  ['changed', 'changed'],
  ['unchanged', 'unchanged'],
  ['missing', 'missing: gone from the folder, kept here'],
  ['failed', "can't be read"],
  ['ignored', 'ignored: not an image'],
  ['unreadable_folders', 'unreadable folders'],
  ['outside_links', 'links out of the source roots: not followed'],
];

/** The first samples that went wrong, those that could not be read before those that could not be embedded. */
async function firstFailures(store: Store, { dataset, phases }: JobStatus): Promise<SampleDocument[]> {
  const query = { datasetId: dataset, limit: FILES_NAMED };
  const read = phases.indexing.failed > 0 ? (await listSamples(store, { ...query, status: 'failed' })).samples : [];
  if (phases.embedding.failed === 0 || read.length === FILES_NAMED) return read;
  const { samples } = await listSamples(store, { ...query, status: 'indexed', withError: 'embedding' });
  return [...read, ...samples].slice(0, FILES_NAMED);
}

/** Temporal's web page, where it is known. */
export interface WebUi {
  uiUrl: string | undefined;
  temporalNamespace: string;
}

/** A status, and what else people want to know with it. */
export interface Outcome {
  status: JobStatus;
  failures: readonly SampleDocument[];
  /** The workflow on Temporal's web page. */
  link: string | undefined;
}

export async function readOutcome({ store }: PlimsollClient, webUi: WebUi, status: JobStatus): Promise<Outcome> {
  return { status, failures: await firstFailures(store, status), link: linkOf(webUi, status) };
}

function linkOf({ uiUrl, temporalNamespace }: WebUi, { workflow_id, job_id }: JobStatus): string | undefined {
  if (uiUrl === undefined) return undefined;
  const path = ['namespaces', temporalNamespace, 'workflows', workflow_id, job_id].map(encodeURIComponent);
  return `${uiUrl.replace(/\/+$/, '')}/${path.join('/')}`;
}

/**
 * What became of a job, for people: a headline, what became of the files, why some failed, and what to do next.
 *
 * @param width columns of the terminal: a link that is longer has a line of its own
 */
export function summaryLines(outcome: Outcome, paint: Paint, width = Number.POSITIVE_INFINITY): string[] {
  const { status } = outcome;
  const head = [headline(status, paint), ...errorOf(status, paint)];
  const blocks = [
    removes(status.kind) ? [...head, `  ${removalLine(status)}`] : head,
    ...(status.finished_at === null && !removes(status.kind) ? [progressBlock(status, paint)] : []),
    ...(status.phases.indexing.finished_at === null ? [] : [indexingBlock(status, paint)]),
    ...(status.phases.embedding.finished_at === null ? [] : [embeddingBlock(status, paint)]),
    failuresBlock(outcome, paint, width),
    nextBlock(outcome, paint, width),
  ];
  return blocks.filter((block) => block.length > 0).flatMap((block, i) => (i === 0 ? block : ['', ...block]));
}

const VERBS: Record<JobKind, string> = {
  load: 'Load of',
  retry: 'Retry of',
  embed: 'Embedding of',
  prune: 'Prune of',
  delete: 'Deletion of',
};

function headline({ state, kind, dataset, started_at, finished_at }: JobStatus, paint: Paint): string {
  const verb = VERBS[kind];
  const seconds = secondsBetween(started_at, finished_at);
  const after = seconds === undefined ? '' : paint.dim(` after ${duration(seconds)}`);
  switch (state) {
    case 'completed':
      return `${paint.green('✔')} ${paint.bold(`${verb} ${dataset} completed`)}${after}`;
    case 'failed':
      return `${paint.red('✖')} ${paint.bold(`${verb} ${dataset} failed`)}${after}`;
    case 'canceled':
      return `${paint.yellow('■')} ${paint.bold(`${verb} ${dataset} was canceled`)}${after}`;
    default:
      return `${paint.cyan('▸')} ${paint.bold(`${verb} ${dataset} is ${state}`)}`;
  }
}

function errorOf({ error }: JobStatus, paint: Paint): string[] {
  if (error === null) return [];
  // Some messages begin with what the code says.
  const lead = `${error.code}: `;
  const message = error.message.startsWith(lead) ? error.message.slice(lead.length) : error.message;
  return [`  ${paint.red(error.code)}: ${printable(message)}`];
}

const capitalized = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** How far each phase is. */
function progressBlock(status: JobStatus, paint: Paint): string[] {
  return PHASES.map((name) => {
    const { main, failed, rate, time } = wordsOf(status, name);
    const parts = [main, failed, rate, time].filter((part) => part !== '');
    return `  ${paint.bold(capitalized(name).padEnd(10))} ${parts.join(', ')}`;
  });
}

function indexingBlock(status: JobStatus, paint: Paint): string[] {
  const { indexing } = status.phases;
  const { outcomes, state } = indexing;
  if (hadNothingToRetry(status)) return ['  Nothing had failed'];
  if (state === 'skipped' || outcomes === undefined || readNothing(status)) return [];
  const rows = OUTCOMES.filter(([name]) => outcomes[name] > 0).flatMap(([name, words]) => {
    const n = outcomes[name];
    const row = `${count(n).padStart(9)}  ${words}`;
    const painted = name === 'failed' || name === 'unreadable_folders' ? paint.red(row) : row;
    return [painted, ...namedLines(indexing, name, n)];
  });
  return [
    `  ${paint.bold('Indexed')} ${reached(indexing, indexing.done + indexing.failed, 'file')}${pace(indexing, paint)}`,
    ...rows,
  ];
}

/** Some of the paths that an outcome is of. */
function namedLines(indexing: PhaseStatus, name: keyof FileOutcomes, n: number): string[] {
  if (name !== 'unreadable_folders' && name !== 'outside_links') return [];
  const named = (indexing[name] ?? []).slice(0, PATHS_NAMED);
  const more = n - named.length;
  const lines = named.map((path) => `           ${printable(path)}`);
  return named.length > 0 && more > 0 ? [...lines, `           and ${count(more)} more`] : lines;
}

function embeddingBlock(status: JobStatus, paint: Paint): string[] {
  const { embedding } = status.phases;
  const { kind, state } = status;
  if (embedding.state === 'skipped') {
    return kind === 'load' && state === 'completed' ? [`  ${paint.bold('Embedding')} was skipped`] : [];
  }
  if (embedding.started_at === null || hadNothingToRetry(status)) return [];
  const model = embedding.model_key === undefined ? '' : paint.dim(` with ${embedding.model_key}`);
  const title = `  ${paint.bold('Embedded')} `;
  if (embedding.total === 0 && state === 'completed') return [`  ${paint.bold('Nothing to embed')}${model}`];
  return [
    `${title}${reached(embedding, embedding.done, 'image')}${pace(embedding, paint)}${model}`,
    ...(embedding.failed > 0 ? [paint.red(`${count(embedding.failed).padStart(9)}  can't be embedded`)] : []),
  ];
}

/** `69,376 files`, or `12,032 of 69,376 files so far` where the phase ended before it was through. */
function reached({ done, failed, total, total_known }: PhaseStatus, reached: number, noun: string): string {
  if (total_known && done + failed === total) return counted(reached, noun);
  return `${count(reached)} of ${total_known ? '' : 'at least '}${counted(total, noun)} so far`;
}

function pace(phase: PhaseStatus, paint: Paint): string {
  const seconds = secondsBetween(phase.started_at, phase.finished_at);
  if (seconds === undefined) return '';
  return paint.dim(` ${took(seconds, phase)}${hasRate(phase) ? `, ${perSecond(phase.rate ?? 0)}` : ''}`);
}

function failuresBlock({ status, failures }: Outcome, paint: Paint, width: number): string[] {
  const { dataset, phases, request, finished_at } = status;
  const all = `plimsoll samples ${dataset} --errors`;
  // While it runs, the phases say how many there are.
  if (failures.length === 0 || finished_at === null) return [];
  const longest = Math.min(LONGEST_NAME, Math.max(SHORTEST_NAME, width - BESIDE_NAME));
  const sources = typeof request.source === 'string' ? [request.source] : [];
  const names = failures.map(({ filepath }) => endOf(printable(pathWithin(filepath, sources)), longest));
  const nameWidth = Math.max(...names.map((name) => name.length));
  const codeWidth = Math.max(...failures.map(({ error }) => error?.code.length ?? 0));
  const indent = 4 + nameWidth + 2 + codeWidth + 2;
  const lines = failures.flatMap(({ error }, i) => {
    const [name, code] = [(names[i] ?? '').padEnd(nameWidth), (error?.code ?? '').padEnd(codeWidth)];
    const room = Math.max(NARROWEST_REASON, width - indent);
    const [first = '', ...more] = wrapWords(printable(error?.message ?? ''), room);
    return [
      `    ${name}  ${paint.red(code)}  ${paint.dim(first)}`.trimEnd(),
      ...more.map((line) => `${' '.repeat(indent)}${paint.dim(line)}`),
    ];
  });
  const more = phases.indexing.failed + phases.embedding.failed - failures.length;
  return [
    `  ${paint.bold('What failed, and why')}`,
    ...lines,
    `    ${paint.dim(more > 0 ? `and ${count(more)} more:` : 'all of them:')} ${paint.cyan(all)}`,
  ];
}

const failedIn = ({ phases }: JobStatus) => phases.indexing.failed + phases.embedding.failed > 0;

function nextBlock({ status, link }: Outcome, paint: Paint, width: number): string[] {
  const { dataset, kind, phases, state } = status;
  const browsable = isBrowsable(status);
  const rows: [string, string][] = [
    ...(browsable ? [['Samples', `plimsoll samples ${dataset}`] as [string, string]] : []),
    ...(kind === 'load' && browsable && phases.embedding.state === 'skipped' && state === 'completed'
      ? [['Embed', `plimsoll embed ${dataset}`] as [string, string]]
      : []),
    ...(failedIn(status) && status.finished_at !== null
      ? [['Retry', `plimsoll retry ${dataset}`] as [string, string]]
      : []),
    ...(link === undefined ? [] : [['Workflow', link] as [string, string]]),
  ];
  return rows.flatMap(([name, value]) => {
    const fits = NAME_COLUMNS + value.length <= width;
    return fits ? `  ${paint.dim(name.padEnd(9))} ${paint.cyan(value)}` : [`  ${paint.dim(name)}`, paint.cyan(value)];
  });
}
