import { type Command, InvalidArgumentError, Option } from 'commander';
import { EMBEDDING_TASK_QUEUE } from '../../contract/names.ts';
import { HIGHEST_LIMIT, LOWEST_LIMIT } from '../../core/limits/limits.ts';
import { type CommonOptions, dataDirOption, jsonOption } from '../options.ts';
import { createOutput } from '../output.ts';
import { counted } from '../terminal/quantities.ts';

interface LimitOptions extends CommonOptions {
  queue: string;
  samplesPerSecond?: number;
  off?: boolean;
}

export function addLimitCommand(program: Command, end: (exitCode: number) => void): void {
  program
    .command('limit')
    .summary('limit how many samples per second are embedded')
    .description(
      'Limits how many samples per second all embedding workers of a task queue embed together. Without --samples-per-second or --off, it shows the limit.',
    )
    .option('--queue <name>', 'task queue of the embedding workers', EMBEDDING_TASK_QUEUE)
    .addOption(
      new Option('--samples-per-second <n>', 'the limit; it may be a fraction').argParser(rate).conflicts('off'),
    )
    .option('--off', 'lift the limit')
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
The limit also holds for running jobs: workers hear of a change within a second.
It stays until it is lifted. Samples go to a device in batches (32 on a CPU), so
a low limit means a batch, then a pause. "plimsoll status" says when the limit
holds a job back.

With --json: {"task_queue", "samples_per_second", "set_at"}; null if there is no
limit.

Examples:
  plimsoll limit                              show it
  plimsoll limit --samples-per-second 20
  plimsoll limit --off
  plimsoll limit --queue gpu-shared --samples-per-second 0.5`,
    )
    .action(async (options: LimitOptions) => end(await limit(options)));
}

function rate(text: string): number {
  const n = Number(text);
  if (n >= LOWEST_LIMIT && n <= HIGHEST_LIMIT) return n;
  throw new InvalidArgumentError(`Expected a number from ${LOWEST_LIMIT} to ${HIGHEST_LIMIT}. --off lifts the limit.`);
}

async function limit({ queue, samplesPerSecond, off, data, json }: LimitOptions): Promise<number> {
  const [{ withStore }, { getLimit, setLimit }] = await Promise.all([
    import('../connection.ts'),
    import('../../core/limits/limits.ts'),
  ]);
  const output = createOutput({ json });
  return withStore({ dataDir: data }, async (store) => {
    const changes = samplesPerSecond !== undefined || off === true;
    const now = changes ? await setLimit(store, queue, samplesPerSecond ?? null) : await getLimit(store, queue);
    const rate = now.samples_per_second;
    output.result(now, () => [`${queue}: ${rate === null ? 'no limit' : `${counted(rate, 'sample')}/s`}`]);
    return 0;
  });
}
