import { untrack } from 'svelte';
import { readJob } from '../actions.ts';
import type { Dataset } from '../api/shapes.ts';
import { live } from './live.svelte.ts';

/**
 * The number of samples per dataset that could not be embedded. It comes from the job that last embedded the dataset,
 * because the dataset counts only indexing failures. Create it during a component's setup.
 */
export class EmbeddingFailures {
  /** Counts by job, for jobs that `live` does not know. */
  #read = $state<Record<string, number>>({});
  readonly #asked = new Set<string>();

  constructor(datasets: () => readonly Dataset[]) {
    $effect(() => {
      for (const { phases } of datasets()) {
        const job = phases.embedding?.job_id;
        if (job && !untrack(() => live.jobs.has(job))) this.#ask(job);
      }
    });
  }

  of({ phases }: Dataset): number {
    const job = phases.embedding?.job_id ?? '';
    return live.jobs.get(job)?.phases.embedding.failed ?? this.#read[job] ?? 0;
  }

  #ask(job: string) {
    if (this.#asked.has(job)) return;
    this.#asked.add(job);
    void readJob(job).then(
      ({ phases }) => (this.#read[job] = phases.embedding.failed),
      // The job's record may have been removed. After a lost connection, the next event of the dataset reads it again.
      () => this.#asked.delete(job),
    );
  }
}
