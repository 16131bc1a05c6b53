import {
  type FieldSet,
  pathsOfDataset,
  type SampleToAnnotate,
  samplesAtPaths,
  samplesToAnnotate,
} from '../store/annotations.ts';
import type { Store } from '../store/store.ts';
import { type BaseNames, collectBaseNames } from './base-names.ts';
import { baseNameOf, isAbsoluteName, partsOfName, sharedParts } from './image-names.ts';
import type { AnnotatedImage } from './join.ts';

/** The sample of an image; `none` if the dataset has none, `several` if the name may mean several. */
export type Match = SampleToAnnotate | 'none' | 'several';

/** Finds the samples that images of annotations mean. */
export interface Matcher {
  match(images: readonly AnnotatedImage[]): Promise<Match[]>;
}

/**
 * Creates the matcher of a set. An image is where its format says, or below a source of the dataset. Where it is at
 * none of these places, the sample is taken whose path ends as the name does. If several do, that is nobody's: a wrong
 * label is worse than none.
 */
export function createMatcher(store: Store, fields: FieldSet, roots: readonly string[], onStep: () => void): Matcher {
  // Most images of a set are found at the same place, so that one is looked at first.
  let usual = 0;
  let names: Promise<BaseNames> | undefined;

  const byPlace = async (images: readonly AnnotatedImage[], matches: Match[]) => {
    const places = images.map((image) => placesOf(image, roots));
    const look = async (pick: (of: readonly string[]) => readonly string[]) => {
      const open = places.map((of, i) => (matches[i] === 'none' ? pick(of) : []));
      const paths = [...new Set(open.flat())];
      if (paths.length === 0) return;
      const found = new Map((await samplesAtPaths(store, fields, paths)).map((sample) => [sample.filepath, sample]));
      for (const [i, of] of open.entries()) {
        const path = of.find((each) => found.has(each));
        if (path === undefined) continue;
        matches[i] = found.get(path) as SampleToAnnotate;
        usual = places[i]?.indexOf(path) ?? 0;
      }
    };
    const first = usual;
    await look((of) => of.slice(first, first + 1));
    await look((of) => of);
  };

  const byName = async (images: readonly AnnotatedImage[], matches: Match[]) => {
    const open = images.flatMap(({ image }, i) => {
      const parts = matches[i] === 'none' && image !== undefined ? partsOfName(image.name) : undefined;
      return parts === undefined ? [] : [{ i, parts, isAbsolute: isAbsoluteName(image?.name ?? '') }];
    });
    if (open.length === 0) return;
    names ??= collectBaseNames(withBaseNames(store, fields.datasetId), onStep);
    const known = await names;
    const seqs = open.map(({ parts }) => known.find(parts.at(-1) ?? ''));
    const samples = new Map((await samplesToAnnotate(store, fields, seqs.flat())).map((each) => [each.seq, each]));
    for (const [n, { i, parts, isAbsolute }] of open.entries()) {
      const candidates = (seqs[n] ?? []).flatMap((seq) => samples.get(seq) ?? []);
      matches[i] = bestOf(candidates, parts, isAbsolute);
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

async function* withBaseNames(store: Store, datasetId: string) {
  for await (const { seq, filepath } of pathsOfDataset(store, datasetId)) yield { seq, baseName: baseNameOf(filepath) };
}

/** The paths at which an image may be, the likeliest first. */
function placesOf({ image }: AnnotatedImage, roots: readonly string[]): string[] {
  if (image === undefined) return [];
  const parts = partsOfName(image.name);
  const below =
    parts === undefined || isAbsoluteName(image.name) ? [] : roots.map((root) => `${root}/${parts.join('/')}`);
  const itself = image.name.startsWith('/') && parts !== undefined ? [`/${parts.join('/')}`] : [];
  return [...new Set([...itself, ...(image.paths ?? []), ...below])];
}

/**
 * The sample whose path ends as a name does. An absolute name is of another machine, where the folders above differ, so
 * the longest common end counts.
 */
function bestOf(candidates: readonly SampleToAnnotate[], parts: readonly string[], isAbsolute: boolean): Match {
  const shared = candidates.map(({ filepath }) => sharedParts(filepath, parts));
  const needed = isAbsolute ? Math.max(1, ...shared) : parts.length;
  const best = candidates.filter((_, i) => shared[i] === needed);
  if (best.length === 0) return 'none';
  return best.length === 1 ? (best[0] as SampleToAnnotate) : 'several';
}
