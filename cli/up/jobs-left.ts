import { connectPlimsoll } from '../../client/connect.ts';
import type { Stack } from '../../local/stack.ts';
import { counted } from '../terminal/quantities.ts';

const MAX_NAMED = 5;

/**
 * A line about unfinished jobs that only this stack's workers can do: `2 jobs go on at the next start: photos, scans`.
 * Undefined if there are none, or if the servers do not answer.
 */
export async function jobsLeft(stack: Stack, when = ''): Promise<string | undefined> {
  // Jobs on an external Temporal server do not need this stack.
  if (stack.members.temporal === undefined) return undefined;
  try {
    const client = await connectPlimsoll({ mongodbUri: stack.mongodbUri, env: stack.env });
    const { jobs } = await client.jobs({ state: ['queued', 'running'], limit: 100 }).finally(() => client.close());
    if (jobs.length === 0) return undefined;
    const names = [...new Set(jobs.map(({ dataset }) => dataset))];
    const more = names.length > MAX_NAMED ? ', …' : '';
    const go = jobs.length === 1 ? 'goes on' : 'go on';
    return `${counted(jobs.length, 'job')} ${go}${when}: ${names.slice(0, MAX_NAMED).join(', ')}${more}`;
  } catch {
    return undefined;
  }
}
