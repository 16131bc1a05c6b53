import { untrack } from 'svelte';
import { mayPass } from '../../api/request.ts';
import type { Sample } from '../../api/shapes.ts';
import { filtersFrom } from '../../filters.ts';
import { AllSamples, FilteredSamples, FoundSamples } from '../../grid/samples.svelte.ts';
import { addressQuery, hitsToAsk, readHits, searchFrom } from '../../search.ts';
import { sortFrom } from '../../sorts.ts';
import { live } from '../../state/live.svelte.ts';
import { backOff } from '../../state/remote.svelte.ts';
import type { DatasetAnnotations } from './dataset-annotations.svelte.ts';
import type { LiveDataset } from './live-dataset.svelte.ts';

/** Shown samples are refreshed while a job writes, at a pace that a person can follow. */
const REFRESH_MS = 400;

/**
 * The samples that match the filter or were found by the search, read again while a job writes. Create it during a
 * component's setup.
 */
export class ShownSamples {
  readonly #dataset: LiveDataset;
  readonly #annotations: DatasetAnnotations;
  readonly #address: () => string;
  readonly samples = $derived.by(() => {
    const { name, api } = this.#dataset;
    const annotated = () => untrack(() => this.#annotations.asked);
    const address = new URLSearchParams(this.#address());
    const search = searchFrom(address);
    const filters = filtersFrom(address);
    if (search !== null)
      return new FoundSamples((cursor, signal, wanted) =>
        readHits(name, search, { filters, cursor, limit: hitsToAsk(wanted), annotated: annotated(), signal }),
      );
    const jumps = address.size === 0 && !this.#dataset.hasHoles;
    return jumps
      ? new AllSamples(`${api}/samples`, annotated)
      : new FilteredSamples(`${api}/samples`, addressQuery(filters, null, sortFrom(address)), annotated);
  });
  /** The samples that a search has found; undefined if there is no search. */
  readonly found = $derived.by(() => (this.samples instanceof FoundSamples ? this.samples : undefined));
  /** The samples, if they are in another order than that of their numbers. */
  readonly ordered = $derived.by(
    () => this.found ?? (this.samples instanceof FilteredSamples && this.samples.sorted ? this.samples : undefined),
  );
  #refreshing: ReturnType<typeof setTimeout> | undefined;
  #wanted: 'incomplete' | 'all' = 'incomplete';
  #over = false;

  /** @param address the filter and the search as in a URL; empty for none */
  constructor(dataset: LiveDataset, annotations: DatasetAnnotations, address: () => string) {
    this.#dataset = dataset;
    this.#annotations = annotations;
    this.#address = address;

    $effect(() => {
      const { samples } = this;
      return () => samples.stop();
    });
    $effect(() => {
      const { samples } = this;
      if (samples instanceof AllSamples) samples.count = dataset.places;
    });
    this.#followTheJob();
    this.#followTheAnnotations();
    this.#tryAgain();
    $effect(() => () => {
      this.#over = true;
      clearTimeout(this.#refreshing);
    });
  }

  /** Shows a sample as it is now. Does nothing when the view is gone: an action may outlive it. */
  put(sample: Sample) {
    if (!this.#over) this.samples.put([sample]);
  }

  /** Reads what is shown again, shortly. Does nothing when the view is gone. */
  refreshSoon(scope: 'incomplete' | 'all') {
    if (this.#over) return;
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
      void dataset.places;
      void dataset.indexed;
      untrack(() => this.refreshSoon('incomplete'));
    });
    /** Samples that fail show why. A search does not find them. */
    const lost = $derived(this.found === undefined ? (dataset.job?.phases.embedding.failed ?? 0) : 0);
    /** While samples are embedded, a search is repeated at each twentieth of them. */
    const embedded = $derived(this.found === undefined ? 0 : Math.floor(20 * (dataset.embedding?.share ?? 0)));
    /** While documents are indexed, their words can be searched for. */
    const indexed = $derived(this.found && dataset.documents ? Math.floor(20 * dataset.indexedShare) : 0);
    let first = true;
    $effect(() => {
      void lost;
      void embedded;
      void indexed;
      void dataset.turn;
      void live.generation;
      if (!first) untrack(() => this.refreshSoon('all'));
      first = false;
    });
  }

  /** Samples come without annotations as long as nobody looks at these. */
  #followTheAnnotations() {
    let before = false;
    $effect(() => {
      const { asked } = this.#annotations;
      if (asked && !before) untrack(() => this.samples.refresh('all'));
      before = asked;
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
