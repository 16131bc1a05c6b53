import { tick, untrack } from 'svelte';
import type Grid from '../../grid/Grid.svelte';
import type { GridSamples } from '../../grid/samples.svelte.ts';

/** A place is remembered after it has not changed for this long. */
const REST_MS = 300;

/**
 * The user's place in the grid. It is kept while a sample is open and after a reload, and it is right behind a link to
 * a sample. Create it during a component's setup.
 */
export class Place {
  grid = $state<Grid>();
  /** The place that keys act on. */
  active = $state(0);
  /** The visible places. */
  view = $state.raw({ first: 0, end: 0 });
  readonly #seq: () => number | null;
  readonly #samples: () => GridSamples;
  #remembering: ReturnType<typeof setTimeout> | undefined;

  /** @param seq the sample that is open */
  constructor(seq: () => number | null, samples: () => GridSamples) {
    this.#seq = seq;
    this.#samples = samples;

    // Closing a sample returns to its place.
    $effect(() => {
      const open = seq();
      const place = open === null ? undefined : samples().placeOf(open);
      if (place !== undefined) this.active = place;
    });
    let wasOpen = false;
    $effect(() => {
      const isOpen = seq() !== null;
      if (wasOpen && !isOpen)
        void tick().then(() => {
          this.grid?.reveal(untrack(() => this.active));
          this.grid?.focus();
        });
      wasOpen = isOpen;
    });

    let shown: GridSamples | undefined;
    $effect(() => {
      const current = samples();
      if (shown !== undefined && shown !== current && untrack(seq) === null) this.active = this.start();
      shown = current;
    });
    $effect(() => () => clearTimeout(this.#remembering));
  }

  /** The place at which a grid begins: that of the open sample, or the one that was left by a reload, a link or Back. */
  start = (): number => {
    const open = this.#seq();
    if (open !== null) return this.#samples().placeOf(open) ?? 0;
    return (history.state as { place?: number } | null)?.place ?? 0;
  };

  viewed = (first: number, end: number) => {
    this.view = { first, end };
    clearTimeout(this.#remembering);
    this.#remembering = setTimeout(() => {
      if (this.#seq() === null) history.replaceState({ ...history.state, place: first }, '');
    }, REST_MS);
  };

  toStart() {
    this.active = 0;
    void tick().then(() => this.grid?.scrollToPlace(0));
  }
}
