import type { Command } from 'commander';
import type { ConnectedClient } from '../../client/connect.ts';
import type { JobStatus } from '../../contract/job.ts';
import { UserError } from '../../core/errors.ts';
import { type CommonOptions, dataDirOption, jsonOption } from '../options.ts';
import { createOutput, type Output } from '../output.ts';

export function addStatusCommand(program: Command, end: (exitCode: number) => void): void {
  program
    .command('status')
    .summary('show how far a job is, or how it ended')
    .description('Shows how far a job is, or how it ended: both phases, the files by outcome, what failed and why.')
    .argument('[job]', "job ID, 6 or more characters of one, or a dataset's name (default: the latest job)")
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
With --json:
  job_id, workflow_id, dataset
  kind                   load, retry, embed, prune, relocate, forget, delete,
                         duplicates
  state                  queued, running, paused, completed, failed, canceled
  error                  null, or {code, message}
  retrying               null, or {activity, attempt, since, error}: what
                         Temporal retries, and why its last attempt failed
  removed                {samples, vectors} of a prune, forget or delete, so far
  moved                  {samples} of a relocate, so far
  exported               {samples, total, images, annotations, …} of an export
  compared               {samples, total} of a search for duplicates, so far,
                         and groups at its end
  request                the workflow's input
  started_at, paused_at, finished_at         RFC 3339 in UTC, or null
  phases.indexing, phases.embedding:
    state                pending, running, waiting, completed, failed, canceled,
                         skipped
    done, failed, total, total_known         counts of files or samples
    rate                 items per second at work, or null
    seconds_left         or null, also while it waits
    still_since          since when nothing has moved while it runs, or null
    waited_seconds       in past waits; the rate does not count them
    waiting_for          null, or {reason, since, task_queue, until}; reason:
                         worker, other_job, window, time, paused, throttled
                         (also has samples_per_second; state is running)
    started_at, finished_at
    outcomes             {added, changed, unchanged, missing, failed, ignored,
                         excluded, unreadable_folders, outside_links}, where
                         known
    failures             {code: count}, where known
    unreadable_folders   paths, 100 at most, where there are any
    outside_links        paths of links out of the source roots, likewise
    model_key            where known
    device               of embedding, where known: cpu, cuda:0,cuda:1, webgpu

The exit code is 0 whatever the state of the job, 3 if there is no such job. The
exit code of "plimsoll wait" says how a job ended.

Examples:
  plimsoll status
  plimsoll status photos
  plimsoll status photos --json | jq .phases.embedding.seconds_left`,
    )
    .action(async (job: string | undefined, options: CommonOptions) => end(await status(job, options)));
}

async function status(reference: string | undefined, options: CommonOptions): Promise<number> {
  const [{ withClient }, { writeSummary }] = await Promise.all([import('../connection.ts'), import('../follow.ts')]);
  const output = createOutput(options);
  return withClient({ dataDir: options.data }, async (client, servers) => {
    const job = await client.status(reference ?? (await latestJob(client)));
    await writeSummary(client, servers, job, output);
    await noteUndelivered(client, job, output);
    return 0;
  });
}

/** The ID of the job that started last. @throws UserError JobNotFound */
async function latestJob(client: ConnectedClient): Promise<string> {
  const { jobs } = await client.jobs({ limit: 1 });
  if (jobs[0] === undefined) throw new UserError('JobNotFound', 'There is no job yet. Start one: plimsoll load FOLDER');
  return jobs[0].job_id;
}

/** Notes undelivered webhooks. The status is shown all the same if Temporal does not answer this. */
async function noteUndelivered({ temporal }: ConnectedClient, { job_id, request }: JobStatus, output: Output) {
  if (!Array.isArray(request.webhooks) || request.webhooks.length === 0) return;
  const [{ countUndelivered, listUndelivered }, { counted }, { undeliveredLine }] = await Promise.all([
    import('../../client/undelivered.ts'),
    import('../terminal/quantities.ts'),
    import('../undelivered-line.ts'),
  ]);
  const asked = [countUndelivered(temporal, job_id), listUndelivered(temporal, job_id, MOST_SHOWN)] as const;
  const [undelivered, messages] = await Promise.all(asked).catch(() => [0, []] as const);
  if (undelivered === 0) return;
  output.note(`webhooks: ${counted(undelivered, 'message')} not delivered:`);
  for (const message of messages) output.note(`  ${undeliveredLine(message)}`);
  if (undelivered > messages.length) output.note(`  Others: on Temporal's page, Workflow IDs of webhook-${job_id}/`);
}

/** The most messages that are shown with their reasons. */
const MOST_SHOWN = 5;
