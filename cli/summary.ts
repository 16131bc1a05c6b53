import { isBrowsable } from '../client/wait.ts';
import { BUILT_IN_FOLDERS } from '../contract/built-in-model.ts';
import type { FileOutcomes, JobKind, JobStatus, PhaseStatus } from '../contract/job.ts';
import { hasPhases } from '../contract/job.ts';
import { mayRetry } from '../contract/lasting-failures.ts';
import { byteSize } from '../core/byte-size.ts';
import { waysOutOf } from '../core/deleting/absent-sources.ts';
import { retryingInWords } from '../core/jobs/words.ts';
import { shellWord } from '../core/shell-word.ts';
import { annotationsBlock } from './annotations-block.ts';
import { exportBlock } from './export-block.ts';
import { importedBlock } from './imported-block.ts';
import { hadNothingToRetry, type Outcome, readNothing } from './outcome.ts';
import { effectLine } from './progress/effect-line.ts';
import { hasRate, PHASES, took, wordsOf } from './progress/phase-words.ts';
import type { Paint } from './terminal/paint.ts';
import { printable } from './terminal/printable.ts';
import { count, counted, duration, perSecond, secondsBetween } from './terminal/quantities.ts';
import { shortPath } from './terminal/sample-path.ts';
import { wrapWords } from './terminal/wrap-words.ts';

const PATHS_NAMED = 5;
const LONGEST_NAME = 50;
const SHORTEST_NAME = 20;
/** Columns beside a file's name: an error's code, a few words and the gaps. */
const BESIDE_NAME = 52;
const NARROWEST_REASON = 20;
/** Columns before a command or a link: the name of the next step. */
const STEP_COLUMNS = 12;

/** The words for each outcome of files, in the order in which they are shown. */
const OUTCOMES: readonly [keyof FileOutcomes, string][] = [
  ['added', 'added'],
  ['changed', 'changed'],
  ['unchanged', 'unchanged'],
  ['missing', 'missing: gone from the folder, kept here'],
  ['failed', "can't be read"],
  ['ignored', 'ignored: no samples in files of this kind'],
  ['excluded', 'left out: hidden, of other programs, or by --include or --exclude'],
  ['unreadable_folders', 'unreadable folders'],
  ['outside_links', 'links out of the source roots: not followed'],
];

/**
 * A job's outcome in lines for people: a headline, the files by outcome, some failures and their reasons, and next
 * steps.
 *
 * @param width columns of the terminal; a longer link gets a line of its own
 */
export function summaryLines(outcome: Outcome, paint: Paint, width = Number.POSITIVE_INFINITY): string[] {
  const { status } = outcome;
  const head = [headline(status, paint), ...errorOf(status, paint), ...retryingOf(status, paint)];
  const blocks = [
    hasPhases(status.kind) ? head : [...head, `  ${effectLine(status)}`],
    absentBlock(status, paint),
    ...(status.finished_at === null && hasPhases(status.kind) ? [progressBlock(status, paint)] : []),
    ...(status.phases.indexing.finished_at === null ? [] : [indexingBlock(status, paint)]),
    ...(status.phases.embedding.finished_at === null || status.kind === 'import'
      ? []
      : [embeddingBlock(status, paint)]),
    annotationsBlock(status, paint),
    exportBlock(status, paint),
    importedBlock(status, paint),
    artifactBlock(status, paint),
    failuresBlock(outcome, paint, width),
    nextBlock(outcome, paint, width),
  ];
  return blocks.filter((block) => block.length > 0).flatMap((block, i) => (i === 0 ? block : ['', ...block]));
}

/** How to get a better search, after a job with a built-in model: it knows no words of images, and no meaning of texts. */
export function wordsHint({ state, phases }: JobStatus): string | undefined {
  const isOf = (folder: string) => phases.embedding.model_key?.startsWith(`${folder}@`) === true;
  if (state !== 'completed') return undefined;
  if (isOf(BUILT_IN_FOLDERS.image)) return betterSearch('Search by words', 'clip-vit-b32');
  return isOf(BUILT_IN_FOLDERS.text) ? betterSearch('Search by meaning', 'minilm-l6-v2') : undefined;
}

const betterSearch = (what: string, model: string) =>
  `${what}: plimsoll models fetch ${model}, then load with --model ${model}`;

const SUBJECTS: Record<JobKind, string> = {
  load: 'Load of',
  retry: 'Retry of',
  embed: 'Embedding of',
  prune: 'Prune of',
  relocate: 'Relocate of',
  forget: 'Forget of a folder of',
  delete: 'Deletion of',
  duplicates: 'Search for duplicates in',
  drop: "Drop of a model's vectors in",
  index: 'Index of',
  annotate: 'Annotation of',
  export: 'Export of',
  import: 'Import of vectors into',
};

function headline({ state, kind, dataset, started_at, finished_at }: JobStatus, paint: Paint): string {
  const subject = `${SUBJECTS[kind]} ${dataset}`;
  const seconds = secondsBetween(started_at, finished_at);
  const after = seconds === undefined ? '' : paint.dim(` after ${duration(seconds)}`);
  switch (state) {
    case 'completed':
      return `${paint.green('✔')} ${paint.bold(`${subject} completed`)}${after}`;
    case 'failed':
      return `${paint.red('✖')} ${paint.bold(`${subject} failed`)}${after}`;
    case 'canceled':
      return `${paint.yellow('■')} ${paint.bold(`${subject} was canceled`)}${after}`;
    default:
      return `${paint.cyan('▸')} ${paint.bold(`${subject} is ${state}`)}`;
  }
}

function errorOf({ error }: JobStatus, paint: Paint): string[] {
  if (error === null) return [];
  // Some messages begin with the code.
  const lead = `${error.code}: `;
  const message = error.message.startsWith(lead) ? error.message.slice(lead.length) : error.message;
  return [`  ${paint.red(error.code)}: ${printable(message)}`];
}

const retryingOf = ({ retrying }: JobStatus, paint: Paint): string[] =>
  retrying === null ? [] : [`  ${paint.yellow(printable(retryingInWords(retrying)))}`];

/** Names the absent sources of a prune, with the ways out. The error of one that removed nothing says it already. */
function absentBlock({ dataset, error, removed }: JobStatus, paint: Paint): string[] {
  if (error !== null) return [];
  return (removed?.unreadable_folders ?? []).flatMap((source) => [
    `  ${printable(source)} is not there, is empty, or is on another disk than at its last load:`,
    ...waysOutOf(dataset, printable(source)).map((way) => paint.dim(`    ${way}`)),
  ]);
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

/** Some of the paths that an outcome counts. */
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
  const on = embedding.device === undefined ? '' : ` on ${embedding.device}`;
  const model = embedding.model_key === undefined ? '' : paint.dim(` with ${embedding.model_key}${on}`);
  const title = `  ${paint.bold('Embedded')} `;
  const { index } = embedding;
  if (index !== undefined && embedding.total === 0) {
    const reached = `${count(index.done)} of ${counted(index.total, 'vector')}`;
    return [`  ${paint.bold('Indexed')} ${reached} as ${index.kind}${pace(embedding, paint)}${model}`];
  }
  if (embedding.total === 0 && state === 'completed') return [`  ${paint.bold('Nothing to embed')}${model}`];
  return [
    `${title}${reached(embedding, embedding.done, 'sample')}${pace(embedding, paint)}${model}`,
    ...(embedding.reused ? [`${count(embedding.reused).padStart(9)}  reused: equal content had a vector`] : []),
    ...(embedding.failed > 0 ? [paint.red(`${count(embedding.failed).padStart(9)}  can't be embedded`)] : []),
    ...(index === undefined ? [] : [`${count(index.done).padStart(9)}  vectors in the search index (${index.kind})`]),
  ];
}

function artifactBlock({ artifact }: JobStatus, paint: Paint): string[] {
  if (artifact === undefined) return [];
  const { path, state, chunks, total, bytes } = artifact;
  const reached =
    state === 'completed' ? counted(chunks, 'chunk') : `${count(chunks)} of ${counted(total, 'chunk')} so far`;
  return [`  ${paint.bold('Artifact')} ${printable(path)} ${paint.dim(`${reached}, ${byteSize(bytes)}`)}`];
}

/** `69,376 files`, or `12,032 of 69,376 files so far` if the phase ended early. */
function reached({ done, failed, total, total_known }: PhaseStatus, reached: number, noun: string): string {
  if (total_known && done + failed === total) return counted(reached, noun);
  return `${count(reached)} of ${total_known ? '' : 'at least '}${counted(total, noun)} so far`;
}

function pace(phase: PhaseStatus, paint: Paint): string {
  const seconds = secondsBetween(phase.started_at, phase.finished_at);
  if (seconds === undefined) return '';
  return paint.dim(` ${took(seconds, phase)}${hasRate(phase) ? `, ${perSecond(phase.rate ?? 0)}` : ''}`);
}

function failuresBlock({ status, failures, sources }: Outcome, paint: Paint, width: number): string[] {
  const { dataset, phases, finished_at } = status;
  const all = `plimsoll samples ${dataset} --errors`;
  // While the job runs, the lines of its phases count the failures.
  if (failures.length === 0 || finished_at === null) return [];
  const longest = Math.min(LONGEST_NAME, Math.max(SHORTEST_NAME, width - BESIDE_NAME));
  const names = failures.map(({ filepath }) => shortPath(filepath, sources, longest));
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

function nextBlock({ status, link }: Outcome, paint: Paint, width: number): string[] {
  const { dataset, kind, phases, state } = status;
  const browsable = isBrowsable(status);
  const rows: [string, string][] = [
    ...(browsable ? [['Samples', `plimsoll samples ${dataset}`] as [string, string]] : []),
    ...(kind === 'load' && browsable && phases.embedding.state === 'skipped' && state === 'completed'
      ? [['Embed', `plimsoll embed ${dataset}`] as [string, string]]
      : []),
    ...(kind === 'relocate' && state === 'completed'
      ? [['Load', `plimsoll load ${shellWord(String(status.request.to))} --dataset ${dataset}`] as [string, string]]
      : []),
    ...(status.compared?.groups ? [['Groups', `plimsoll duplicates ${dataset} --list`] as [string, string]] : []),
    ...(mayRetry(status) && status.finished_at !== null
      ? [['Retry', `plimsoll retry ${dataset}`] as [string, string]]
      : []),
    ...(link === undefined ? [] : [['Workflow', link] as [string, string]]),
  ];
  return rows.flatMap(([name, value]) => {
    return STEP_COLUMNS + value.length <= width
      ? `  ${paint.dim(name.padEnd(9))} ${paint.cyan(value)}`
      : [`  ${paint.dim(name)}`, paint.cyan(value)];
  });
}
