import { untrack } from 'svelte';
import type { ShownAnnotations } from '../../annotations/shown.ts';
import { request } from '../../api/request.ts';
import type { ClassList } from '../../api/shapes.ts';
import { remote } from '../../state/remote.svelte.ts';
import type { LiveDataset } from './live-dataset.svelte.ts';

const KEY = 'plimsoll.annotations';
/** Choices are remembered for this many datasets, those that were changed last. */
const MOST_REMEMBERED = 50;

/** What the browser remembers of a dataset. */
interface Choice {
  field?: string;
  hidden?: string[];
}
interface Remembered {
  /** Whether annotations are drawn, in all datasets. */
  on: boolean;
  datasets: [name: string, choice: Choice][];
}

function remembered(): Remembered {
  try {
    const { on, datasets } = JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Remembered>;
    return { on: on ?? true, datasets: Array.isArray(datasets) ? datasets : [] };
  } catch {
    return { on: true, datasets: [] };
  }
}

const NOTHING: ClassList = { fields: [], splits: [] };

/** The classes and splits of a dataset, and which annotations are shown. Create it during a component's setup. */
export class DatasetAnnotations {
  readonly #dataset: LiveDataset;
  readonly #classes;
  #chosen = $state<string>();
  #on = $state(true);
  #hidden = $state.raw<ReadonlySet<string>>(new Set());

  readonly splits = $derived.by(() => this.#classes.value?.splits ?? []);
  readonly fields = $derived.by(() => this.#classes.value?.fields ?? []);
  /** The field that is shown; undefined if there is none. */
  readonly field = $derived.by(() => this.fields.find(({ name }) => name === this.#chosen) ?? this.fields[0]);
  /** Whether samples are to come with their annotations: not while these are switched off. */
  readonly asked = $derived.by(() => this.#on && this.field !== undefined);
  readonly #skeletons = $derived.by(
    () => new Map(this.field?.classes.flatMap(({ name, skeleton }) => (skeleton ? [[name, skeleton]] : []))),
  );
  readonly shown = $derived.by<ShownAnnotations | undefined>(() => {
    const field = this.field?.name;
    const skeletons = this.#skeletons;
    if (!this.#on || field === undefined) return undefined;
    return { field, hidden: this.#hidden, skeletonOf: (label) => skeletons.get(label ?? '') ?? [] };
  });

  constructor(dataset: LiveDataset) {
    this.#dataset = dataset;
    const { on, datasets } = remembered();
    const [, choice] = datasets.find(([name]) => name === dataset.name) ?? [];
    this.#on = on;
    this.#chosen = choice?.field;
    this.#hidden = new Set(choice?.hidden);
    this.#classes = remote(
      async (signal) => (this.#pictures ? request<ClassList>(`${dataset.api}/classes`, { signal }) : NOTHING),
      () => [this.#pictures, dataset.turn],
    );
  }

  get #pictures() {
    return this.#dataset.value !== undefined && !this.#dataset.documents;
  }

  get on() {
    return this.#on;
  }

  get hidden() {
    return this.#hidden;
  }

  toggle() {
    this.#on = !this.#on;
    this.#remember();
  }

  /** Shows another field. Its classes are all shown. */
  choose(field: string) {
    this.#chosen = field;
    this.#hidden = new Set();
    this.#remember();
  }

  /** Hides a class, or shows it again. */
  toggleClass(name: string) {
    const hidden = new Set(this.#hidden);
    if (!hidden.delete(name)) hidden.add(name);
    this.#hidden = hidden;
    this.#remember();
  }

  showAll() {
    this.#hidden = new Set();
    this.#remember();
  }

  #remember() {
    const { name } = this.#dataset;
    const { datasets } = remembered();
    const choice: Choice = untrack(() => ({
      ...(this.#chosen === undefined ? {} : { field: this.#chosen }),
      ...(this.#hidden.size === 0 ? {} : { hidden: [...this.#hidden] }),
    }));
    const others = datasets.filter(([other]) => other !== name).slice(0, MOST_REMEMBERED - 1);
    localStorage.setItem(KEY, JSON.stringify({ on: this.#on, datasets: [[name, choice], ...others] }));
  }
}
