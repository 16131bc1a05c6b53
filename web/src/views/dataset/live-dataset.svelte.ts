import { untrack } from 'svelte';
import { isOver } from '../../../../contract/job.ts';
import { readJob } from '../../actions.ts';
import { ProblemError, request } from '../../api/request.ts';
import type { Dataset, DatasetModels, Job, JobPage, TagCounts } from '../../api/shapes.ts';
import type { Failures } from '../../failures.ts';
import { shareOf } from '../../job-words.ts';
import { isDocuments, mediumWords } from '../../medium.ts';
import { placesSoFar, samplesSoFar } from '../../sample-count.ts';
import { EmbeddingFailures } from '../../state/embedding-failures.svelte.ts';
import { live } from '../../state/live.svelte.ts';
import { type Remote, remote } from '../../state/remote.svelte.ts';
import { datasetPath } from '../../state/route.ts';

/** Share of numbers without a sample, from which on places without a picture are worse than not to jump anywhere. */
const MANY_HOLES = 0.05;

/** A dataset, its latest job and its tags, kept up to date. Create it during a component's setup. */
export class LiveDataset {
  readonly name: string;
  readonly path: string;
  readonly api: string;
  readonly #read: Remote<Dataset>;
  readonly #tags: Remote<TagCounts>;
  readonly #models: Remote<DatasetModels>;
  /** The latest job as it was read, because `live` keeps only a few hundred ended jobs. */
  #latest = $state.raw<Job>();

  readonly value = $derived.by(() => newer(live.datasets.get(this.name), this.#read.value));
  readonly job = $derived.by(() => {
    const read = this.#latest;
    return [...(read && !live.jobs.has(read.job_id) ? [read] : []), ...live.jobs.values()]
      .filter(({ dataset }) => dataset === this.name)
      .sort((a, b) => (b.started_at ?? '').localeCompare(a.started_at ?? ''))[0];
  });
  readonly underWay = $derived.by(() => this.job !== undefined && !isOver(this.job));
  /** The latest job if it failed; its error says why there is nothing new. */
  readonly failedJob = $derived.by(() => (this.job?.state === 'failed' && this.job.error ? this.job : undefined));
  /** Whether its samples are chunks of documents. */
  readonly documents = $derived.by(() => isDocuments(this.value?.media_type));
  readonly medium = $derived.by(() => mediumWords(this.value?.media_type));
  readonly gone = $derived.by(() => live.removed.has(this.name) || isNotFound(this.#read.error));
  readonly tags = $derived.by(() => this.#tags.value?.tags ?? []);
  /** The models that have vectors; undefined until they are read. */
  readonly models = $derived.by(() => this.#models.value);
  /** The model whose vectors are searched. */
  readonly serving = $derived.by(() => this.models?.models.find(({ serving }) => serving));
  /** The embedding that is under way: its model, and the share of the dataset's samples that have a vector of it. */
  readonly embedding = $derived.by(() => {
    const { job, value } = this;
    const phase = job?.phases.embedding;
    if (job === undefined || phase === undefined || isOver(job) || phase.finished_at !== null) return undefined;
    if (job.kind === 'index' || job.kind === 'import') return undefined;
    const samples = Math.max(value?.counts.indexed ?? 0, phase.total);
    const left = phase.total - phase.done;
    return {
      model: phase.model_key,
      // Before the job has planned, it is as it was read.
      share: phase.total === 0 ? (this.serving?.share ?? 0) : 1 - left / samples,
      done: phase.done,
    };
  });
  /** Whether any model has vectors. */
  readonly hasVectors = $derived.by(() => this.models?.models.some(({ vectors }) => vectors > 0) ?? false);
  /** Whether words can be searched for: in documents from the first chunk on, else if the model knows words. */
  readonly knowsWords = $derived.by(() => (this.documents ? this.places > 0 : (this.serving?.words ?? false)));
  /** The share of the files that the latest job has indexed, while it does; 1 before and after. */
  readonly indexedShare = $derived.by(() => {
    const phase = this.job?.phases.indexing;
    return phase === undefined || phase.finished_at !== null ? 1 : (shareOf(phase) ?? 0);
  });
  readonly #embedded = $derived.by(() => (this.embedding?.done ?? 0) > 0);

  readonly #embeddingFailures = new EmbeddingFailures(() => (this.value ? [this.value] : []));
  readonly failures = $derived.by<Failures>(() => ({
    indexing: this.value?.counts.failed ?? 0,
    embedding: this.value ? this.#embeddingFailures.of(this.value) : 0,
  }));

  /** Number of files that the latest job has indexed or failed to index. */
  readonly indexed = $derived.by(() => {
    const indexing = this.job?.phases.indexing;
    return (indexing?.done ?? 0) + (indexing?.failed ?? 0);
  });
  /** Numbers without a sample: it was removed, or a load was canceled before it wrote it. Unchanged while files are indexed. */
  #holes = $state(0);
  /** Whether so many numbers have no sample that samples are read in order. Unchanged while files are indexed. */
  hasHoles = $state(false);
  /** The count that the head and the footer show. */
  readonly samples = $derived.by(() => (this.value ? samplesSoFar(this.value, this.job, this.#holes) : 0));
  /** Number of places in a grid of all samples. */
  readonly places = $derived.by(() => (this.value ? placesSoFar(this.value, this.job, this.#holes) : 0));
  /** True if there are no samples and no job is adding any. */
  readonly empty = $derived.by(
    () => !this.underWay && (this.value?.readiness === 'empty' || this.value?.readiness === 'failed'),
  );
  /** Changes at each state change of the latest job. */
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
    // A dataset can be searched from its first vectors on.
    this.#models = remote(
      (signal) => request<DatasetModels>(`${this.api}/models`, { signal }),
      () => this.#embedded,
    );

    $effect(() => {
      const { value } = this;
      // A load takes numbers before it counts their samples.
      if (value === undefined || value.phases.indexing?.state === 'running') return;
      this.#holes = value.next_seq - value.counts.total;
      this.hasHoles = this.#holes > value.next_seq * MANY_HOLES;
    });

    // Events report the latest job while it runs. After its end it has to be read.
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

    // The latest job may tell why a dataset does not exist.
    $effect(() => {
      void live.generation;
      if (!isNotFound(this.#read.error) || untrack(() => this.job !== undefined)) return;
      const query = new URLSearchParams({ dataset: name, limit: '1' });
      void request<JobPage>('/api/jobs', { query }).then(
        ({ jobs }) => (this.#latest = jobs[0]),
        () => {},
      );
    });

    // Counting tags reads the whole dataset, so it happens at state changes of a job and not for each file.
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
    void this.#models.load();
  }

  reloadModels(): Promise<void> {
    return this.#models.load();
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
