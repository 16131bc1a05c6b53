import {
  type FieldSet,
  pathsOfDataset,
  type SampleToAnnotate,
  samplesAtPaths,
  samplesToAnnotate,
} from '../store/annotations.ts';
import { slicesOf } from '../store/slices.ts';
import type { Store } from '../store/store.ts';
import { type BaseNames, collectBaseNames } from './base-names.ts';
import { isAbsoluteName, partsOfName, sharedParts } from './image-names.ts';
import type { AnnotatedImage } from './join.ts';
import { withoutExtension } from './reading/paths.ts';

/** The sample of an image; `none` if the dataset has none, `several` if the name may mean several. */
export type Match = SampleToAnnotate | 'none' | 'several';

/** Finds the samples that images of annotations mean. */
export interface Matcher {
  match(images: readonly AnnotatedImage[]): Promise<Match[]>;
}

/**
 * Creates the matcher of a set, among all samples of a dataset or those below a folder. An image is where its format says, or below a source of the dataset. Where it is at
 * none of these places, the sample is taken whose path ends as one of its names does. If several do, that is nobody's: a
 * wrong label is worse than none.
 */
export function createMatcher(
  store: Store,
  fields: FieldSet,
  { roots, below }: { roots: readonly string[]; below?: string | undefined },
  onStep: () => void,
): Matcher {
  // Most images of a set are found at the same place, so that one is looked at first.
  let usual = 0;
  let baseNames: Promise<BaseNames> | undefined;
  const isBelow = ({ filepath }: SampleToAnnotate) => below === undefined || filepath.startsWith(`${below}/`);

  /** Looks at places of images, in their order. Returns the number of a place where an image is. */
  const lookAt = async (
    images: readonly AnnotatedImage[],
    places: readonly (readonly string[])[],
    matches: Match[],
  ): Promise<number | undefined> => {
    let hit: number | undefined;
    const isAny = (i: number) => images[i]?.image?.anyExtension === true;
    const paths = new Set(places.flat());
    if (paths.size === 0) return undefined;
    const stems = new Set(places.flatMap((of, i) => (isAny(i) ? of : [])));
    const samples = (await samplesAtPaths(store, fields, [...paths], [...stems])).filter(isBelow);
    const byPath = new Map(samples.map((sample) => [sample.filepath, sample]));
    const byStem = Map.groupBy(samples, ({ filepath }) => withoutExtension(filepath));
    for (const [i, of] of places.entries())
      for (const [n, place] of of.entries()) {
        const exact = byPath.get(place);
        const found = exact !== undefined ? [exact] : isAny(i) ? (byStem.get(place) ?? []) : [];
        if (found.length === 0) continue;
        matches[i] = found.length === 1 ? (found[0] as SampleToAnnotate) : 'several';
        hit = n;
        break;
      }
    return hit;
  };

  const byPlace = async (images: readonly AnnotatedImage[], matches: Match[]) => {
    const places = images.map((image) => placesOf(image, roots));
    const first = places.map((of) => of.slice(usual, usual + 1));
    await lookAt(images, first, matches);
    // Where several may be meant, a likelier place may tell.
    for (const [i, match] of matches.entries()) if (match === 'several') matches[i] = 'none';
    const others = places.map((of, i) => (matches[i] === 'none' ? of : []));
    usual = (await lookAt(images, others, matches)) ?? usual;
  };

  const byName = async (images: readonly AnnotatedImage[], matches: Match[]) => {
    const open = images.flatMap(({ image }, i) =>
      matches[i] !== 'none' || image === undefined
        ? []
        : [image.name, ...(image.otherNames ?? [])].flatMap((name) => {
            const parts = partsOfName(name);
            const anyExtension = image.anyExtension === true;
            return parts === undefined ? [] : [{ i, parts, isAbsolute: isAbsoluteName(name), anyExtension }];
          }),
    );
    if (open.length === 0) return;
    baseNames ??= collectBaseNames(namesOfDataset(store, fields.datasetId), onStep);
    const known = await baseNames;
    const seqs = open.map(({ parts, anyExtension }) => {
      const found = known.find(parts);
      return anyExtension
        ? [...new Set([...found, ...known.find([...parts.slice(0, -1), `${parts.at(-1)}.`])])]
        : found;
    });
    // Thousands of samples of one name can't be told apart by it, and would all have to be read.
    const few = seqs.map((of) => (of.length > MOST_CANDIDATES ? [] : of));
    const samples: SampleToAnnotate[] = [];
    for (const slice of slicesOf([...new Set(few.flat())], SEQS_A_QUERY))
      samples.push(...(await samplesToAnnotate(store, fields, slice)).filter(isBelow));
    const bySeq = new Map(samples.map((sample) => [sample.seq, sample]));
    for (const [n, { i, ...name }] of open.entries()) {
      if (matches[i] !== 'none') continue;
      const candidates = (few[n] ?? []).flatMap((seq) => bySeq.get(seq) ?? []);
      matches[i] = (seqs[n] ?? []).length > MOST_CANDIDATES ? 'several' : bestOf(candidates, name);
    }
  };

  return {
    async match(images) {
      const matches = images.map((): Match => 'none');
      await byPlace(images, matches);
      await byName(images, matches);
      return matches;
    },
  };
}

/** The last two parts of the paths of a dataset's files. */
async function* namesOfDataset(store: Store, datasetId: string) {
  for await (const { seq, filepath } of pathsOfDataset(store, datasetId))
    yield { seq, parts: filepath.split('/').slice(-2) };
}

/** Samples of one name beyond which the name says nothing. */
const MOST_CANDIDATES = 1000;

/** Samples that are read together. */
const SEQS_A_QUERY = 5000;

/** The paths at which an image may be, the likeliest first. Without an extension, if any is right. */
function placesOf({ image }: AnnotatedImage, roots: readonly string[]): string[] {
  if (image === undefined) return [];
  const places = [...(image.paths ?? [])];
  if (image.name.startsWith('/')) places.unshift(...pathOfParts(image.name));
  for (const name of [image.name, ...(image.otherNames ?? [])])
    if (!isAbsoluteName(name)) places.push(...roots.flatMap((root) => pathOfParts(name).map((path) => root + path)));
  return [...new Set(places)];
}

/** The parts of a name, each after a slash. None if it leads upwards. */
function pathOfParts(name: string): [path: string] | [] {
  const parts = partsOfName(name);
  return parts === undefined ? [] : [`/${parts.join('/')}`];
}

/**
 * The sample whose path ends as a name does. An absolute name is of another machine, where the folders above differ, so
 * the longest common end counts. It has the folder at least: `train/1.jpg` and `val/1.jpg` are two pictures.
 */
function bestOf(
  candidates: readonly SampleToAnnotate[],
  { parts, isAbsolute, anyExtension }: { parts: readonly string[]; isAbsolute: boolean; anyExtension: boolean },
): Match {
  const shared = candidates.map(({ filepath }) =>
    Math.max(sharedParts(filepath, parts), anyExtension ? sharedParts(withoutExtension(filepath), parts) : 0),
  );
  const needed = isAbsolute ? Math.max(Math.min(2, parts.length), ...shared) : parts.length;
  const best = candidates.filter((_, i) => shared[i] === needed);
  if (best.length === 0) return 'none';
  return best.length === 1 ? (best[0] as SampleToAnnotate) : 'several';
}
