import { untrack } from 'svelte';
import { readJob } from '../actions.ts';
import type { Dataset } from '../api/shapes.ts';
import { live } from './live.svelte.ts';

/**
 * How many samples of each dataset have no vector because they could not be embedded: what the job that embedded it last says,
 * for a dataset counts only what could not be indexed. Make one while a component is set up.
 */
export class EmbeddingFailures {
  /** By job, of those that `live` has not told of. */
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
      // Its record may have been cleaned up; if it was the connection, the next news of the dataset asks again.
      () => this.#asked.delete(job),
    );
  }
}
