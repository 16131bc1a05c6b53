/**
 * Mutants that no test can detect, because the program does the same with them. Each has its reason. If a guard can be
 * deleted instead, delete it.
 */
import type { Mutant } from './mutants.ts';

export interface Equivalent {
  file: string;
  /** Description as `npm run mutate` prints it. */
  change: string;
  /** A part of its line, if other mutants of the file have the same description. */
  line?: string;
  why: string;
}

export const EQUIVALENT: readonly Equivalent[] = [
  {
    file: 'core/models/half.ts',
    change: 'size >= 65_520 → size > 65_520',
    why: 'The formula below rounds 65,520 to infinity too. It goes wrong only from 131,072 on.',
  },
  {
    file: 'core/models/half.ts',
    change: '65_520 → 65521',
    why: 'As above. 65,520 is the number at which infinity begins by the standard.',
  },
  {
    file: 'core/embedding/embed-window.ts',
    change: 'window.end > window.start → window.end >= window.start',
    why: 'The contract refuses a window that ends as it starts.',
  },
  {
    file: 'core/embedding/embed-window.ts',
    change: '0 → 1',
    line: 'Temporal.Instant.fromEpochMilliseconds(0)',
    why: 'The zone has its name at any instant.',
  },
  {
    file: 'core/jobs/status.ts',
    change: 'phase.waiting_for.since < paused_at → phase.waiting_for.since <= paused_at',
    why: 'Both are the same time then.',
  },
  {
    file: 'core/webhooks/retry-delay.ts',
    change: 'value === null → false',
    why: 'Null reads as "null", which is neither a number nor a date. The types want the check.',
  },
  ...[
    'match?.groups?.v6 → match?.groups.v6',
    'match?.groups?.name → match?.groups.name',
    'match?.groups?.port → match?.groups.port',
  ].map((change) => ({
    file: 'core/webhooks/allow-list.ts',
    change,
    why: 'Every match of this expression has groups. Only the types do not know.',
  })),
  {
    file: 'core/webhooks/allow-list.ts',
    change: 'match?.groups → match.groups',
    line: 'const isHost = host !== undefined',
    why: 'Where there is a host, there is a match.',
  },
  {
    file: 'core/webhooks/allow-list.ts',
    change: 'port !== undefined && port > 65_535 → port > 65_535',
    why: 'Undefined is not greater than a number. The types want the check.',
  },
  {
    file: 'core/webhooks/allow-list.ts',
    change: 'port === undefined → false',
    line: 'return port === undefined',
    why: 'The caller takes a port that is undefined for none.',
  },
  {
    file: 'core/duration.ts',
    change: 'ms !== null && ms >= 1 → ms >= 1',
    why: 'Null is less than 1. The types want the check.',
  },
  {
    file: 'contract/options.ts',
    change: 'z.config({ jitless: true }); → ;',
    why: 'Zod tries `new Function` once and goes on without it. The setting spares the attempt.',
  },
  {
    file: 'contract/options.ts',
    change: 'true → false',
    line: 'z.config({ jitless: true })',
    why: 'As above.',
  },
  {
    file: 'core/models/vectors.ts',
    change: 'i < vector.length → i <= vector.length',
    why: 'A typed array ignores what is written past its end.',
  },
  {
    file: 'core/models/revision.ts',
    change: 'now[i]?.size → now[i].size',
    why: 'A file that is gone has no time either, which is compared first. Only the types do not know.',
  },
  ...['1 → 2', '20 → 21'].map((change) => ({
    file: 'core/models/revision.ts',
    change,
    line: 'createReadStream(path, { highWaterMark: 1 << 20 })',
    why: 'A hash does not depend on how much is read at once.',
  })),
  {
    file: 'core/models/graph-values.ts',
    change: '2 → 3',
    line: '[rest[2], rest[0], rest[1]]',
    why: 'Channels stand last only where they are three or have a name, so they fit.',
  },
];

export function isEquivalent(mutant: Mutant): boolean {
  return EQUIVALENT.some((entry) => matches(entry, mutant));
}

/** Entries for these files without a matching mutant, because the code has changed. */
export function outdated(files: ReadonlySet<string>, mutants: readonly Mutant[]): Equivalent[] {
  return EQUIVALENT.filter((entry) => files.has(entry.file) && !mutants.some((mutant) => matches(entry, mutant)));
}

const matches = ({ file, change, line = '' }: Equivalent, mutant: Mutant) =>
  mutant.file === file && mutant.change === change && mutant.code.includes(line);
