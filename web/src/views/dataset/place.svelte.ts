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
  #found = false;
  #remembering: ReturnType<typeof setTimeout> | undefined;

  /** @param seq the sample that is open */
  constructor(seq: () => number | null, samples: () => GridSamples) {
    this.#seq = seq;

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

    // Restore the place as soon as the grid is laid out.
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
