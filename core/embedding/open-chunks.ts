import { UserError } from '../errors.ts';
import { progressId } from '../store/progress.ts';
import type { Store } from '../store/store.ts';
import type { EmbeddingPlan } from './plan.ts';

/**
 * Makes the counts of a plan's chunks, all at 0, unless the job is over: in one transaction with its record, so that a job's end
 * either removes them or keeps them from coming to be. A chunk only raises what is there: it leaves nothing behind a job that
 * has ended. Doing it again changes nothing.
 *
 * @throws UserError Superseded
 */
export async function openChunks(store: Store, jobId: string, { shards }: EmbeddingPlan): Promise<void> {
  const phase = 'embedding' as const;
  const chunks = shards.flatMap((shard) => shard.chunks);
  await store.client.withSession((session) =>
    session.withTransaction(async () => {
      const { matchedCount } = await store.jobs.updateOne(
        { _id: jobId, finished_at: { $exists: false } },
        { $set: { 'phases.embedding.changed_at': new Date() } },
        { session },
      );
      if (matchedCount === 0) throw new UserError('Superseded', `Job ${jobId} has ended; nothing more is embedded.`);
      if (chunks.length === 0) return;
      await store.progress.bulkWrite(
        chunks.map(([from, , total]) => ({
          updateOne: {
            filter: { _id: progressId(jobId, phase, from) },
            update: { $setOnInsert: { job_id: jobId, phase, done: 0, failed: 0, total } },
            upsert: true,
          },
        })),
        { ordered: false, session },
      );
    }),
  );
}
