import { isAbsoluteName, partsOfName } from '../annotations/image-names.ts';
import { type SampleToImport, samplesOfFiles, samplesToImport } from '../store/imports.ts';
import type { Store } from '../store/store.ts';
import type { VectorRow } from './vector-row.ts';

/** The sample of a row; `unknown` if the dataset has none that could be read, `several` if its file holds several. */
export type Found = SampleToImport | 'unknown' | 'several';

/**
 * Finds the samples of rows: by the path if a row has one, which is the sample's or leads to it from a source of the
 * dataset; else by the number. A row with both means the sample of the number in that file. Paths are never guessed by
 * their ends.
 */
export async function findSamples(
  store: Store,
  { datasetId, roots }: { datasetId: string; roots: readonly string[] },
  rows: readonly VectorRow[],
): Promise<Found[]> {
  const bySeq = new Map(
    (await samplesToImport(store, datasetId, [...new Set(rows.flatMap(({ seq }) => seq ?? []))])).map((sample) => [
      sample.seq,
      sample,
    ]),
  );
  const places = rows.map(({ name }) => (name === undefined ? [] : placesOf(name, roots)));
  const numbered = rows.map(({ seq, name }, i) => {
    const sample = seq === undefined ? undefined : bySeq.get(seq);
    return sample !== undefined && (name === undefined || places[i]?.includes(sample.filepath)) ? sample : undefined;
  });
  const byPath = new Map<string, SampleToImport[]>();
  const paths = new Set(places.flatMap((of, i) => (numbered[i] === undefined ? of : [])));
  for (const sample of await samplesOfFiles(store, datasetId, [...paths])) {
    const ofFile = byPath.get(sample.filepath);
    if (ofFile === undefined) byPath.set(sample.filepath, [sample]);
    else ofFile.push(sample);
  }
  return rows.map((_, i) => {
    const found = numbered[i] === undefined ? (places[i] ?? []).flatMap((path) => byPath.get(path) ?? []) : [];
    const sample = numbered[i] ?? found[0];
    if (sample === undefined) return 'unknown';
    if (found.length > 1) return 'several';
    return sample.status === 'indexed' ? sample : 'unknown';
  });
}

/** The paths that a name may mean. */
function placesOf(name: string, roots: readonly string[]): string[] {
  const parts = partsOfName(name);
  if (parts === undefined) return [name];
  const joined = parts.join('/');
  return [...new Set([name, ...(isAbsoluteName(name) ? [`/${joined}`] : roots.map((root) => `${root}/${joined}`))])];
}
