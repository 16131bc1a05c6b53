import { tick, untrack } from 'svelte';
import type Grid from '../../grid/Grid.svelte';
import type { GridSamples } from '../../grid/samples.svelte.ts';

/** A place is remembered when it was left alone for so long. */
const REST_MS = 300;

/**
 * Where one is in the grid: kept while a sample is open over it, after a reload, and right from the start behind a link to a
 * sample. Make one while a component is set up.
 */
export class Place {
  grid = $state<Grid>();
  /** The place that keys act on. */
  active = $state(0);
  /** The places in sight. */
  view = $state.raw({ first: 0, end: 0 });
  readonly #seq: () => number | null;
  #found = false;
  #remembering: ReturnType<typeof setTimeout> | undefined;

  /** @param seq the sample that is open */
  constructor(seq: () => number | null, samples: () => GridSamples) {
    this.#seq = seq;

    // The sample on show is the one to come back to.
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

    // As soon as the grid is laid out.
    $effect(() => {
      const { grid } = this;
      if (this.#found || !grid || samples().count === 0 || this.view.end === 0) return;
      this.#found = true;
      const open = seq();
      const remembered = (history.state as { place?: number } | null)?.place;
      const place = open === null ? remembered : samples().placeOf(open);
      if (place !== undefined && place > 0)
        void tick().then(() => (open === null ? grid.scrollToPlace(place) : grid.reveal(place)));
    });
    $effect(() => () => clearTimeout(this.#remembering));
  }

  viewed = (first: number, end: number) => {
    this.view = { first, end };
    clearTimeout(this.#remembering);
    this.#remembering = setTimeout(() => {
      if (this.#seq() === null && this.#found) history.replaceState({ ...history.state, place: first }, '');
    }, REST_MS);
  };

  toStart() {
    this.active = 0;
    void tick().then(() => this.grid?.scrollToPlace(0));
  }
}
