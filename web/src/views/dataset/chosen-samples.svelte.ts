import type { TagRequest } from '../../api/shapes.ts';
import { type Filters, filterBody } from '../../filters.ts';
import type { GridSamples } from '../../grid/samples.svelte.ts';
import { MOST_SELECTED, NOTHING, type Selection } from '../../grid/selection.ts';

/** The selected samples: individual ones, or all that match the filter, loaded or not. A search ends in individual ones. */
export class ChosenSamples {
  selection = $state.raw<Selection>(NOTHING);
  everything = $state(false);

  get count() {
    return this.selection.seqs.size;
  }

  /** Sets the individual selection. Returns false and changes nothing if there are too many. */
  choose(selection: Selection): boolean {
    this.everything = false;
    if (selection.seqs.size > MOST_SELECTED) return false;
    this.selection = selection;
    return true;
  }

  /** Selects all that match the filter, or all hits of a search that are loaded. */
  chooseAll(samples: GridSamples) {
    this.everything = samples.foundOf === undefined;
    const here = Array.from({ length: Math.min(samples.count, MOST_SELECTED) }, (_, place) => samples.seqAt(place));
    this.selection = { seqs: new Set(here.filter((each) => each !== undefined)), anchor: null };
  }

  clear() {
    this.selection = NOTHING;
    this.everything = false;
  }

  /** The request that tags the selected samples. */
  tagged(change: { add: string[]; remove: string[] }, filters: Filters): TagRequest {
    return this.everything ? { ...change, filter: filterBody(filters) } : { ...change, seqs: [...this.selection.seqs] };
  }
}
