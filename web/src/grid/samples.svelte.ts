import { request } from '../api/request.ts';
import type { Hits, Sample, SamplePage } from '../api/shapes.ts';
import type { Found } from './found.ts';

/** The samples of a grid by place. */
export interface GridSamples {
  /** Number of known places. */
  readonly count: number;
  /** False while more places may follow. */
  readonly countKnown: boolean;
  readonly error: Error | undefined;
  /** The sample at a place; undefined until it is loaded, null if there is none. */
  at(place: number): Sample | null | undefined;
  placeOf(seq: number): number | undefined;
  seqAt(place: number): number | undefined;
  /** Sets the visible places, and fetches those that are missing. */
  show(first: number, end: number): void;
  /** Reads the visible samples again. */
  refresh(scope: 'incomplete' | 'all'): void;
  /** Reads again visible samples that could not be read. */
  retry(): void;
  /** How a sample was found; absent if nothing was searched for. */
  foundOf?(seq: number): Found | undefined;
  /** Replaces changed samples. */
  put(samples: readonly Sample[]): void;
  stop(): void;
}

export const PAGE = 200;
/** Pages that pass by while the scroll bar is dragged are not fetched. */
const SETTLE_MS = 60;
const MOST_PAGES = 200;

/** Objects of annotations take far more memory than samples. */
const MOST_ANNOTATED_PAGES = 25;

interface LoadedPage {
  samples: Map<number, Sample>;
  stale: boolean;
}

/** Whether samples are to come with their annotations. It is asked at each request. */
export type AnnotationsWanted = () => boolean;

/**
 * All samples of a dataset. Numbers are dense, so a place in the grid is a sample's number; a removed sample leaves an
 * empty place. The grid can jump anywhere and fetches only the pages at that place.
 */
export class AllSamples implements GridSamples {
  readonly countKnown = true;
  count = $state(0);
  error = $state.raw<Error | undefined>(undefined);
  /** Increases when pages arrive. `at` reads it, so that its callers are updated. */
  #version = $state(0);
  readonly #path: string;
  readonly #annotated: AnnotationsWanted;
  readonly #pages = new Map<number, LoadedPage>();
  readonly #fetching = new Map<number, AbortController>();
  readonly #failures = new Map<number, Error>();
  /** Pages that were to be read again while they were being read. */
  readonly #again = new Map<number, 'incomplete' | 'all'>();
  #shown = { first: 0, end: 0 };
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(path: string, annotated: AnnotationsWanted) {
    this.#path = path;
    this.#annotated = annotated;
  }

  at(place: number): Sample | null | undefined {
    void this.#version;
    const page = this.#pages.get(Math.floor(place / PAGE));
    return page === undefined ? undefined : (page.samples.get(place) ?? null);
  }

  placeOf = (seq: number) => seq;
  seqAt = (place: number) => place;

  show(first: number, end: number) {
    const leapt = Math.abs(first - this.#shown.first) > end - first;
    this.#shown = { first, end };
    if (leapt) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#fetchShown(), SETTLE_MS);
      return;
    }
    this.#fetchShown();
  }

  refresh(scope: 'incomplete' | 'all') {
    for (const [n, page] of this.#pages) if (scope === 'all' || this.#lacks(n, page.samples.size)) page.stale = true;
    // An answer that is on its way may be older than what is to be seen now.
    for (const n of this.#fetching.keys()) if (this.#again.get(n) !== 'all') this.#again.set(n, scope);
    this.#fetchShown();
  }

  retry() {
    this.#fetchShown();
  }

  put(samples: readonly Sample[]) {
    for (const sample of samples) {
      const page = this.#pages.get(Math.floor(sample.seq / PAGE));
      if (page?.samples.has(sample.seq)) page.samples.set(sample.seq, sample);
    }
    this.#version += 1;
  }

  stop() {
    clearTimeout(this.#timer);
    for (const controller of this.#fetching.values()) controller.abort();
  }

  #fetchShown() {
    const from = Math.floor(this.#shown.first / PAGE);
    const to = Math.floor(Math.max(0, this.#shown.end - 1) / PAGE);
    for (const [n, controller] of this.#fetching) {
      if (n >= from - 1 && n <= to + 1) continue;
      controller.abort();
      this.#fetching.delete(n);
    }
    if (this.#shown.end === 0) return;
    for (const n of this.#failures.keys()) if (n < from || n > to) this.#failures.delete(n);
    this.#tell();
    for (let n = from; n <= to; n++) {
      if (this.#fetching.has(n)) continue;
      if (this.#pages.get(n)?.stale ?? true) void this.#fetch(n);
    }
  }

  /** Whether a page has fewer samples than it may have. */
  #lacks(n: number, samples: number): boolean {
    return samples < Math.min(PAGE, this.count - n * PAGE);
  }

  async #fetch(n: number) {
    const controller = new AbortController();
    this.#fetching.set(n, controller);
    this.#again.delete(n);
    const query = new URLSearchParams({ limit: String(PAGE) });
    if (n > 0) query.set('after', String(n * PAGE - 1));
    const annotated = this.#annotated();
    if (annotated) query.set('annotations', 'true');
    try {
      const { samples } = await request<SamplePage>(this.#path, { query, signal: controller.signal });
      controller.signal.throwIfAborted();
      const here = samples.filter(({ seq }) => seq < (n + 1) * PAGE);
      this.#pages.delete(n);
      const again = this.#again.get(n);
      this.#pages.set(n, {
        samples: new Map(here.map((sample) => [sample.seq, sample])),
        stale:
          annotated !== this.#annotated() || again === 'all' || (again !== undefined && this.#lacks(n, here.length)),
      });
      this.#forgetFarPages();
      this.#failures.delete(n);
      this.#version += 1;
    } catch (error) {
      if (!controller.signal.aborted) this.#failures.set(n, error as Error);
    } finally {
      if (this.#fetching.get(n) === controller) this.#fetching.delete(n);
      // Who ended it has asked for what is shown now, or nothing is shown any more.
      if (!controller.signal.aborted) {
        this.#tell();
        if (this.#pages.get(n)?.stale && !this.#failures.has(n)) this.#fetchShown();
      }
    }
  }

  /** Keeps showing an error while any visible page has failed, even if another page arrives. */
  #tell() {
    this.error = this.#failures.values().next().value;
  }

  /** Removes the oldest pages that are far away; the map keeps the order of arrival. */
  #forgetFarPages() {
    for (const n of this.#pages.keys()) {
      if (this.#pages.size <= (this.#annotated() ? MOST_ANNOTATED_PAGES : MOST_PAGES)) return;
      const far = (n + 1) * PAGE < this.#shown.first || n * PAGE > this.#shown.end;
      if (far) this.#pages.delete(n);
    }
  }
}

/** A page of samples, and where the next one begins; null after the last one. */
interface Page<Cursor> {
  samples: readonly Sample[];
  next: Cursor | null;
}

/** Samples in an order of the server's, loaded as far as the user has scrolled. */
abstract class SamplesInOrder<Cursor> implements GridSamples {
  error = $state.raw<Error | undefined>(undefined);
  /** The cursor of the samples that follow: null after the last one, undefined until the first page is there. */
  protected next = $state.raw<Cursor | null | undefined>(undefined);
  #samples = $state.raw<readonly Sample[]>([]);
  #places = new Map<number, number>();
  #fetching: AbortController | undefined;
  #after: Cursor | null = null;
  #atEnd = false;
  /** True while a requested refresh is not done. */
  #stale = false;
  /** Increases with each request for a refresh. */
  #refreshes = 0;
  #rereading = false;
  #wanted = 0;

  /** @param after null for the first page  @param wanted how many samples are lacking */
  protected abstract readPage(after: Cursor | null, signal: AbortSignal, wanted: number): Promise<Page<Cursor>>;

  get count() {
    return this.#samples.length;
  }

  get countKnown() {
    return this.next === null;
  }

  at = (place: number) => this.#samples[place];
  /** Reads the samples, so that its callers are updated. */
  placeOf = (seq: number) => (this.#samples.length === 0 ? undefined : this.#places.get(seq));
  seqAt = (place: number) => this.#samples[place]?.seq;

  show(_first: number, end: number) {
    this.#wanted = Math.max(this.#wanted, end + PAGE / 2);
    if (this.count < this.#wanted) void this.#fetch();
  }

  refresh(scope: 'incomplete' | 'all') {
    if (scope !== 'all') return;
    this.#wanted = Math.max(this.#wanted, Math.min(this.count, 5 * PAGE));
    this.#again();
  }

  retry() {
    if (this.#stale) this.#again();
    else void this.#fetch();
  }

  put(samples: readonly Sample[]) {
    const changed = new Map(samples.map((sample) => [sample.seq, sample]));
    this.#samples = this.#samples.map((sample) => changed.get(sample.seq) ?? sample);
  }

  stop() {
    this.#fetching?.abort();
  }

  /** Reads on behind the last sample, if that was the end and nothing is being read. */
  protected goOn(after: (last: Sample | undefined) => Cursor | null) {
    if (!this.#atEnd || this.#fetching !== undefined) return;
    this.#after = after(this.#samples.at(-1));
    this.#atEnd = false;
    void this.#fetch();
  }

  #again() {
    this.#stale = true;
    this.#refreshes += 1;
    // A round that is under way ends first. If refreshes are asked for faster than a round takes, none would end.
    if (this.#rereading) return;
    this.#fetching?.abort();
    this.#fetching = undefined;
    void this.#fetch();
  }

  /** Reads further samples. If the shown ones are stale, reads all again and replaces them once complete. */
  async #fetch() {
    if (this.#fetching !== undefined) return;
    const anew = this.#stale;
    if (!anew && this.#atEnd) return;
    const controller = new AbortController();
    this.#fetching = controller;
    this.#rereading = anew;
    const refreshes = this.#refreshes;
    let done = false;
    try {
      let held: readonly Sample[] = anew ? [] : this.#samples;
      let after = anew ? null : this.#after;
      do {
        const page = await this.readPage(after, controller.signal, this.#wanted - held.length);
        controller.signal.throwIfAborted();
        held = [...held, ...page.samples];
        after = page.next;
        if (!anew || after === null || held.length >= this.#wanted) this.#keep(held, after);
        this.error = undefined;
      } while (after !== null && held.length < this.#wanted);
      done = true;
      if (anew) this.#stale = refreshes !== this.#refreshes;
    } catch (error) {
      if (!controller.signal.aborted) this.error = error as Error;
    } finally {
      if (this.#fetching === controller) {
        this.#fetching = undefined;
        this.#rereading = false;
        if (done && this.#stale) void this.#fetch();
      }
    }
  }

  #keep(samples: readonly Sample[], next: Cursor | null) {
    this.#places = new Map(samples.map(({ seq }, place) => [seq, place]));
    this.#samples = samples;
    this.#after = next;
    this.#atEnd = next === null;
    this.next = next;
  }
}

/** The samples that match a filter, if any, in order of their numbers or in another one. */
export class FilteredSamples extends SamplesInOrder<number> {
  readonly #path: string;
  readonly #query: URLSearchParams;
  readonly #annotated: AnnotationsWanted;

  constructor(path: string, query: URLSearchParams, annotated: AnnotationsWanted) {
    super();
    this.#path = path;
    this.#query = query;
    this.#annotated = annotated;
  }

  /** The number up to which samples were searched; 0 if that is all, or if they are not in order of their numbers. */
  get lookedUpTo() {
    return this.sorted ? 0 : (this.next ?? 0);
  }

  get sorted() {
    return this.#query.has('sort');
  }

  protected readPage(after: number | null, signal: AbortSignal): Promise<SamplePage> {
    const query = new URLSearchParams(this.#query);
    query.set('limit', String(PAGE));
    if (after !== null) query.set('after', String(after));
    const annotated = this.#annotated();
    if (annotated) query.set('annotations', 'true');
    return request(this.#path, { query, signal });
  }

  /** Finds samples at the end. Samples before that match only now are found when the filter is set again. */
  override refresh(scope: 'incomplete' | 'all') {
    if (scope === 'all') super.refresh(scope);
    else this.goOn((last) => last?.seq ?? null);
  }
}

/** Reads a page of hits, of about as many as are wanted. */
type ReadHits = (cursor: string | null, signal: AbortSignal, wanted: number) => Promise<Hits>;

/** The samples that a search has found, the nearest first. */
export class FoundSamples extends SamplesInOrder<string> {
  /** The key of the model whose vectors were searched; undefined until the answer, and if only words were searched. */
  model = $state<string>();
  /** How was searched; undefined until the answer. */
  mode = $state<Hits['mode']>();
  readonly #found = new Map<number, Found>();
  readonly #readHits: ReadHits;

  constructor(readHits: ReadHits) {
    super();
    this.#readHits = readHits;
  }

  /** Reads the samples, so that its callers are updated. */
  foundOf = (seq: number) => (this.count === 0 ? undefined : this.#found.get(seq));

  protected async readPage(cursor: string | null, signal: AbortSignal, wanted: number): Promise<Page<string>> {
    const { hits, next, model_key, mode } = await this.#readHits(cursor, signal, wanted);
    this.model = model_key ?? undefined;
    this.mode = mode;
    for (const { seq, score, ranks, passage } of hits)
      this.#found.set(seq, { mode, model: this.model, score, ranks, marks: passage?.marks ?? [] });
    return { samples: hits.map(({ sample }) => sample), next };
  }
}
