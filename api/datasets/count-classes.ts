import { countClasses, countFields, countSplits } from '../../core/store/annotations.ts';
import { getDataset } from '../../core/store/datasets.ts';
import type { Store } from '../../core/store/store.ts';
import { problemOf } from '../problem/to-problem.ts';
import type { ClassList } from '../schemas/annotations.ts';

const WITHIN_MS = 10_000;
const MAX_TIME_EXPIRED = 50;

/**
 * Counts the classes of a dataset by field, and the samples of its splits.
 *
 * @throws UserError DatasetNotFound
 * @throws ProblemError TooSlow
 */
export async function countClassesOf(store: Store, datasetId: string): Promise<ClassList> {
  const { annotation_fields = [] } = await getDataset(store, datasetId);
  try {
    const names = annotation_fields.map(({ name }) => name);
    const [classes, splits, samples] = await Promise.all([
      annotation_fields.length === 0 ? [] : countClasses(store, datasetId, WITHIN_MS),
      countSplits(store, datasetId, WITHIN_MS),
      countFields(store, datasetId, names, WITHIN_MS),
    ]);
    const fields = annotation_fields.map(({ name, classes: declared }) => {
      const described = new Map(declared.map((each) => [each.name, each]));
      const ofField = classes.filter(({ field }) => field === name);
      return {
        name,
        samples: samples[name] ?? 0,
        classes: ofField.map(({ name: label, samples, objects }) => {
          const { keypoints, skeleton } = described.get(label) ?? {};
          return {
            name: label,
            samples,
            objects,
            ...(keypoints === undefined ? {} : { keypoints }),
            ...(skeleton === undefined ? {} : { skeleton }),
          };
        }),
      };
    });
    return { fields, splits };
  } catch (error) {
    if ((error as { code?: unknown }).code !== MAX_TIME_EXPIRED) throw error;
    throw problemOf('TooSlow', `The classes of ${datasetId} can't be counted in ${WITHIN_MS / 1000} seconds.`, {
      headers: { 'Retry-After': '30' },
    });
  }
}
