/** Writes the table of failures (contract/failures.ts) as the page docs/failures.md. */
import { type Failure, type FailureCode, failures, type WorkflowName } from '../contract/failures.ts';
import {
  ANNOTATE_WORKFLOW,
  CANCEL_UPDATE,
  DELETE_WORKFLOW,
  DROP_WORKFLOW,
  DUPLICATES_WORKFLOW,
  EMBED_WORKFLOW,
  EXPORT_WORKFLOW,
  FORGET_WORKFLOW,
  IMPORT_WORKFLOW,
  INDEX_WORKFLOW,
  LOAD_WORKFLOW,
  PAUSE_UPDATE,
  PRUNE_WORKFLOW,
  RELOCATE_WORKFLOW,
  RESUME_UPDATE,
  RETRY_WORKFLOW,
  SCHEDULED_WORKFLOW,
  WEBHOOK_WORKFLOW,
} from '../contract/names.ts';

const WORKFLOWS: Record<WorkflowName, string> = {
  [LOAD_WORKFLOW]: 'A load: indexing, then embedding.',
  [RETRY_WORKFLOW]: 'A retry of what failed.',
  [EMBED_WORKFLOW]: 'An embedding, as a job of its own or as the second phase of a load.',
  [PRUNE_WORKFLOW]: 'A prune.',
  [RELOCATE_WORKFLOW]: 'A relocate of files that were moved.',
  [FORGET_WORKFLOW]: 'A forget of a folder.',
  [DELETE_WORKFLOW]: 'The deletion of a dataset.',
  [DROP_WORKFLOW]: "A drop of a model's vectors.",
  [INDEX_WORKFLOW]: 'The building of a search index.',
  [DUPLICATES_WORKFLOW]: 'A search for duplicates.',
  [ANNOTATE_WORKFLOW]: 'An annotation of a dataset that is there.',
  [EXPORT_WORKFLOW]: 'An export of a dataset to a folder.',
  [IMPORT_WORKFLOW]: "An import of vectors of a user's own.",
  [SCHEDULED_WORKFLOW]: 'A run of a schedule, which ends with what its load ends with.',
  [WEBHOOK_WORKFLOW]: 'The delivery of one message to one webhook.',
};

const UPDATES = [PAUSE_UPDATE, RESUME_UPDATE, CANCEL_UPDATE] as const;

export function failuresPage(): string {
  return `# Failures

<!-- Written by \`npm run write-docs\` from contract/failures.ts. Do not edit this page. -->

Each failure has a code for programs and a message for people. A code never gets another meaning. You find it

- in the status and the record of a job, as \`error.code\` ([schemas/failure.json](schemas/failure.json));
- on Temporal, as the type of the non-retryable ApplicationFailure that a workflow ends with;
- in an answer of the HTTP API, as \`code\`;
- in the output of \`plimsoll … --json\`, as \`error.code\`;
- in TypeScript, as \`code\` of a \`UserError\`.

The reasons why a single file failed (\`decode_failed\`, …) are stored with its sample and are not listed here: they fail no
job. [documents.md](documents.md#why-a-document-failed) lists those of documents.

## Workflows

A workflow that was canceled ends as canceled on Temporal; its record has the code \`Canceled\`.

${Object.entries(WORKFLOWS).map(workflow).join('\n\n')}

## Attempts

An activity that fails with one of these is tried again, and Temporal shows it as the failure of the last attempt. When no
time is left, the workflow ends with \`Unexpected\`, and its message names the code.

${table(
  ['code', 'meaning', 'workflows'],
  failures().flatMap(([code, { meaning, retriedIn }]) =>
    retriedIn === undefined ? [] : [[marked(code), meaning, retriedIn.map(marked).join(', ')]],
  ),
)}

## Records

A workflow that was terminated, or that Temporal has lost, can not record how it ended. The next client
that asks for the job's status records or shows one of these:

${wrapped(codesWhere(({ recorded }) => recorded === true))}

## Updates

${table(
  ['update', 'is refused with'],
  UPDATES.map((update) => [marked(update), codesWhere(({ refuses }) => refuses?.includes(update) === true)]),
)}

## HTTP API

\`/api/docs\` on the server lists them by operation.

${table(
  ['status', 'code', 'title'],
  failures()
    .flatMap(([code, { http }]) => (http === undefined ? [] : [{ code, status: http[0], title: http[1] }]))
    .sort((a, b) => a.status - b.status)
    .map(({ code, status, title }) => [String(status), marked(code), title]),
)}

## All codes

${table(
  ['code', 'meaning', 'what to do'],
  failures().map(([code, { meaning, remedy = '' }]) => [marked(code), meaning, remedy]),
)}
`;
}

const workflow = ([name, words]: [string, string]) => `### ${name}

${words} Its codes:

${wrapped(codesWhere(({ ends }) => ends?.includes(name as WorkflowName) === true))}`;

const codesWhere = (which: (failure: Failure) => boolean): string =>
  failures()
    .flatMap(([code, failure]) => (which(failure) ? [marked(code)] : []))
    .join(', ');

/** Breaks a list of codes into lines of 120 characters at most. */
const wrapped = (codes: string): string => codes.replaceAll(/(.{1,120}$|.{1,119},) ?/g, '$1\n').trimEnd();

const marked = (code: FailureCode | WorkflowName | (typeof UPDATES)[number]) => `\`${code}\``;

function table(head: string[], rows: readonly string[][]): string {
  return [head, head.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`.replaceAll('  ', ' '))
    .join('\n');
}
