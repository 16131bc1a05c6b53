import { untrack } from 'svelte';
import { mayPass } from '../../api/request.ts';
import { AllSamples, FilteredSamples } from '../../grid/samples.svelte.ts';
import { live } from '../../state/live.svelte.ts';
import { backOff } from '../../state/remote.svelte.ts';
import type { LiveDataset } from './live-dataset.svelte.ts';

/** Shown samples are refreshed while a job writes, at a pace that a person can follow. */
const REFRESH_MS = 400;

/** The samples that match the filter, read again while a job writes. Create it during a component's setup. */
export class ShownSamples {
  readonly #dataset: LiveDataset;
  readonly #query: () => string;
  readonly samples = $derived.by(() => {
    const path = `${this.#dataset.api}/samples`;
    const query = this.#query();
    const jumps = query === '' && !this.#dataset.hasHoles;
    return jumps ? new AllSamples(path) : new FilteredSamples(path, new URLSearchParams(query));
  });
  #refreshing: ReturnType<typeof setTimeout> | undefined;
  #wanted: 'incomplete' | 'all' = 'incomplete';

  /** @param query the filter as in a URL; empty for none */
  constructor(dataset: LiveDataset, query: () => string) {
    this.#dataset = dataset;
    this.#query = query;

    $effect(() => {
      const { samples } = this;
      return () => samples.stop();
    });
    $effect(() => {
      const { samples } = this;
      if (samples instanceof AllSamples) samples.count = dataset.extent;
    });
    this.#followTheJob();
    this.#tryAgain();
    $effect(() => () => clearTimeout(this.#refreshing));
  }

  refreshSoon(scope: 'incomplete' | 'all') {
    if (scope === 'all') this.#wanted = 'all';
    this.#refreshing ??= setTimeout(() => {
      this.#refreshing = undefined;
      this.samples.refresh(this.#wanted);
      this.#wanted = 'incomplete';
    }, REFRESH_MS);
  }

  #followTheJob() {
    const dataset = this.#dataset;
    $effect(() => {
      void dataset.extent;
      void dataset.indexed;
      untrack(() => this.refreshSoon('incomplete'));
    });
    const lost = $derived(dataset.job?.phases.embedding.failed ?? 0);
    let first = true;
    $effect(() => {
      void lost;
      void dataset.turn;
      void live.generation;
      if (!first) untrack(() => this.refreshSoon('all'));
      first = false;
    });
  }

  /** The error of a reading that may succeed later. */
  #tryAgain() {
    let failures = 0;
    $effect(() => {
      const { error } = this.samples;
      if (error === undefined) {
        failures = 0;
        return;
      }
      if (!mayPass(error)) return;
      const timer = setTimeout(() => this.samples.retry(), backOff(failures));
      failures += 1;
      return () => clearTimeout(timer);
    });
  }
}
