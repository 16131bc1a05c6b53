import { describe, expect, it } from 'vitest';
import { wordsOf } from '../../cli/progress/phase-words.ts';
import type { JobStatus } from '../../contract/job.ts';
import { statusOf } from '../../core/jobs/status.ts';
import { type OpenPhase, withStandstill } from '../../core/jobs/waiting.ts';
import type { PhaseDocument } from '../../core/store/documents.ts';

const NOW = new Date();
const ago = (seconds: number) => new Date(NOW.getTime() - seconds * 1000);
const SKIPPED: PhaseDocument = { state: 'skipped', done: 0, failed: 0, total: 0, total_known: true };

/** An embedding that has worked for 100 s. */
function embedding(counts: Pick<PhaseDocument, 'done' | 'total'>): JobStatus {
  const phase: PhaseDocument = { ...SKIPPED, ...counts, state: 'running', started_at: ago(100) };
  return statusOf(
    {
      _id: 'job',
      kind: 'embed',
      dataset_id: 'photos',
      workflow_id: 'embed-photos',
      request: {},
      state: 'running',
      started_at: ago(100),
      phases: { indexing: SKIPPED, embedding: phase },
    },
    NOW,
  );
}

const still = (status: JobStatus, seconds: number) => {
  const due_at = ago(seconds);
  const phase: OpenPhase = { name: 'embedding', running: true, moved_at: due_at, due_at, task_queue: undefined };
  return withStandstill(status, phase, NOW);
};

describe('a phase of which nothing moves', () => {
  it('has no rate and no time left, and says since when', () => {
    const status = still(embedding({ done: 1000, total: 3000 }), 40);
    expect(status.phases.embedding).toMatchObject({
      state: 'running',
      rate: null,
      seconds_left: null,
      still_since: ago(40).toISOString(),
    });
    expect(wordsOf(status, 'embedding')).toMatchObject({
      main: '1,000 / 3,000 samples',
      rate: '',
      time: 'nothing for 40s',
    });
  });

  it('is given a moment', () => {
    const { embedding: phase } = still(embedding({ done: 1000, total: 3000 }), 10).phases;
    expect(phase).toMatchObject({ rate: 10, seconds_left: 200, still_since: null });
  });

  it('is given the time of two batches where the device is slow', () => {
    const slow = embedding({ done: 200, total: 3000 });
    expect(still(slow, 30).phases.embedding.still_since).toBeNull();
    expect(still(slow, 33).phases.embedding.still_since).not.toBeNull();
  });

  it('is not one that has done all and is about to end', () => {
    expect(still(embedding({ done: 3000, total: 3000 }), 90).phases.embedding.still_since).toBeNull();
  });
});
