import { untrack } from 'svelte';
import { isOver } from '../../../../contract/job.ts';
import { readJob } from '../../actions.ts';
import { ProblemError, request } from '../../api/request.ts';
import type { Dataset, Job, JobPage, TagCounts } from '../../api/shapes.ts';
import type { Failures } from '../../failures.ts';
import { EmbeddingFailures } from '../../state/embedding-failures.svelte.ts';
import { live } from '../../state/live.svelte.ts';
import { type Remote, remote } from '../../state/remote.svelte.ts';
import { datasetPath } from '../../state/route.ts';

/** A dataset, its latest job and its tags, as they were heard of last. Make one while a component is set up. */
export class LiveDataset {
  readonly name: string;
  readonly path: string;
  readonly api: string;
  readonly #read: Remote<Dataset>;
  readonly #tags: Remote<TagCounts>;
  /** The latest job as it was read: of those that ended, `live` remembers no more than a few hundred. */
  #latest = $state.raw<Job>();

  readonly value = $derived.by(() => newer(live.datasets.get(this.name), this.#read.value));
  readonly job = $derived.by(() => {
    const read = this.#latest;
    return [...(read && !live.jobs.has(read.job_id) ? [read] : []), ...live.jobs.values()]
      .filter(({ dataset }) => dataset === this.name)
      .sort((a, b) => (b.started_at ?? '').localeCompare(a.started_at ?? ''))[0];
  });
  readonly underWay = $derived.by(() => this.job !== undefined && !isOver(this.job));
  /** The latest job, where it came to nothing: what it says is the reason why nothing new is here. */
  readonly failedJob = $derived.by(() => (this.job?.state === 'failed' && this.job.error ? this.job : undefined));
  readonly gone = $derived.by(() => live.removed.has(this.name) || isNotFound(this.#read.error));
  readonly tags = $derived.by(() => this.#tags.value?.tags ?? []);

  readonly #embeddingFailures = new EmbeddingFailures(() => (this.value ? [this.value] : []));
  readonly failures = $derived.by<Failures>(() => ({
    indexing: this.value?.counts.failed ?? 0,
    embedding: this.value ? this.#embeddingFailures.of(this.value) : 0,
  }));

  /** Files that the latest job has indexed, or could not. */
  readonly indexed = $derived.by(() => {
    const indexing = this.job?.phases.indexing;
    return (indexing?.done ?? 0) + (indexing?.failed ?? 0);
  });
  /** The end of the numbers that are given out. While pages of the listing are being read, some of them have no sample yet. */
  readonly extent = $derived.by(() => this.value?.next_seq ?? 0);
  /** No job is bringing samples, and there are none. */
  readonly empty = $derived.by(
    () => !this.underWay && (this.value?.readiness === 'empty' || this.value?.readiness === 'failed'),
  );
  /** Another at each turning point of the latest job. */
  readonly turn = $derived.by(() => {
    const { job_id, state, phases } = this.job ?? {};
    return `${job_id} ${state} ${phases?.indexing.state} ${phases?.embedding.state}`;
  });

  constructor(name: string) {
    this.name = name;
    this.path = datasetPath(name);
    this.api = `/api${this.path}`;
    this.#read = remote((signal) => request<Dataset>(this.api, { signal }));
    this.#tags = remote((signal) => request<TagCounts>(`${this.api}/tags`, { signal }));

    // The latest job is told of while it runs; after its end we ask for it.
    $effect(() => {
      const job = this.value?.latest_job;
      void live.generation;
      if (!job || untrack(() => live.jobs.has(job))) return;
      void live
        .ask(() => readJob(job))
        .then(
          (answer) => (this.#latest = answer),
          () => {},
        );
    });

    // Of a dataset that is not there, its latest job may tell why.
    $effect(() => {
      void live.generation;
      if (!isNotFound(this.#read.error) || untrack(() => this.job !== undefined)) return;
      const query = new URLSearchParams({ dataset: name, limit: '1' });
      void request<JobPage>('/api/jobs', { query }).then(
        ({ jobs }) => (this.#latest = jobs[0]),
        () => {},
      );
    });

    // Tags are counted over the whole dataset: at the turns of a job, not with each file.
    let first = true;
    $effect(() => {
      void this.turn;
      if (!first) untrack(() => this.reload());
      first = false;
    });
  }

  get error(): Error | undefined {
    return this.#read.error;
  }

  reload() {
    void this.#read.load();
    void this.#tags.load();
  }

  reloadTags(): Promise<void> {
    return this.#tags.load();
  }
}

function newer(a: Dataset | undefined, b: Dataset | undefined) {
  if (a === undefined || b === undefined) return a ?? b;
  return a.last_modified_at >= b.last_modified_at ? a : b;
}

const isNotFound = (error: Error | undefined) => error instanceof ProblemError && error.status === 404;
