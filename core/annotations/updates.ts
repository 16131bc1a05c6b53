import { createHash } from 'node:crypto';
import { BSON } from 'mongodb';
import type { Annotation } from '../../contract/annotation.ts';
import type { AnnotationUpdate, SampleToAnnotate } from '../store/annotations.ts';
import type { AnnotationSet } from '../store/documents.ts';
import { classesOf, isOf } from './classes.ts';
import type { AppliedCounts } from './counts.ts';
import type { InvalidAnnotation } from './formats/format.ts';
import type { AnnotatedImage } from './join.ts';
import type { Match } from './match.ts';
import { frameOf } from './place.ts';
import { type AnnotationPlan, setKey } from './plan.ts';
import type { SeqSet } from './seq-set.ts';
import { MAX_NAME, MAX_NAMED, MAX_PIECE_BYTES, withInvalid } from './stage.ts';

/** Decides what is written of the images of one set. */
export interface Updates {
  /** What is to be written of a batch of images. A sample that has the same already is left as it is. */
  of(images: readonly AnnotatedImage[], matches: readonly Match[]): AnnotationUpdate[];
  /** Counts samples that would be too large with all their fields. */
  refuse(count: number): void;
}

/**
 * Creates the updates of a set.
 *
 * @param named receives the seq of every sample that the set names
 * @param counts are raised
 */
export function createUpdates(
  { jobId, plan, path }: { jobId: string; plan: AnnotationPlan; path: string },
  named: SeqSet,
  counts: AppliedCounts,
): Updates {
  const { field } = plan;
  const set = setKey(path);
  const refuse = (each: Omit<InvalidAnnotation, 'file'>) =>
    Object.assign(counts, withInvalid(counts, { ...each, file: path }));

  const placeAll = (image: AnnotatedImage, { metadata = {} }: SampleToAnnotate): Annotation[] => {
    const { width, height, orientation = 1 } = metadata as { width?: number; height?: number; orientation?: number };
    const picture = width !== undefined && height !== undefined ? { width, height, orientation } : undefined;
    const frame = frameOf(picture, image.image ?? {});
    const placed: Annotation[] = [];
    for (const { unit, annotations } of image.parts) {
      for (const annotation of annotations) {
        const result = frame.place(annotation, unit);
        if ('annotation' in result) {
          placed.push(result.annotation);
          if (result.clipped) counts.clipped += 1;
        } else if (result.problem === 'outside') counts.outside += 1;
        else refuse({ reason: result.problem, message: `${image.image?.name ?? image.key}: ${result.message}` });
      }
    }
    return placed;
  };

  const updateOf = (image: AnnotatedImage, sample: SampleToAnnotate): AnnotationUpdate | undefined => {
    const objects = placeAll(image, sample);
    const json = JSON.stringify(objects);
    // Short numbers take more bytes in BSON than in JSON.
    if (json.length > MAX_PIECE_BYTES / 8 && BSON.calculateObjectSize({ objects }) > MAX_PIECE_BYTES) {
      refuse({
        reason: 'too_many',
        message: `${sample.filepath} has ${objects.length} objects, in more bytes than can be stored.`,
      });
      return undefined;
    }
    const split = plan.split ?? image.split;
    const fingerprint = createHash('sha256').update(json).digest('hex').slice(0, 32);
    const stored = sample.annotations?.[field];
    const isOurs = stored?.from === plan.from;
    const before = isOurs ? stored?.sets?.[set] : undefined;
    const lacksTag = image.tags.some((tag) => !sample.tags.includes(tag));
    if (before?.fingerprint === fingerprint && (split === undefined || split === sample.split) && !lacksTag) {
      // An attempt before this one may have written it.
      if (before.job_id === jobId) counts.changed += 1;
      return undefined;
    }
    counts.changed += 1;
    const annotations: AnnotationSet = { fingerprint, job_id: jobId, objects };
    const others = (sample.classes ?? []).filter((each) => !isOf(each, field, isOurs ? set : undefined));
    return {
      _id: sample._id,
      replaces: isOurs ? 'set' : 'field',
      from: plan.from,
      annotations,
      classes: [...others, ...classesOf(objects, field, set)],
      split,
      tags: image.tags,
    };
  };

  return {
    of(images, matches) {
      const updates: AnnotationUpdate[] = [];
      for (const [i, image] of images.entries()) {
        const match = matches[i] as Match;
        const name = image.image?.name ?? image.key;
        if (match === 'none') {
          counts.without_sample += 1;
          if (counts.without_sample_names.length < MAX_NAMED) counts.without_sample_names.push(name.slice(0, MAX_NAME));
        } else if (match === 'several') {
          refuse({ reason: 'unclear_image', message: `"${name}" may be several images of the dataset.` });
        } else if (!named.add(match.seq)) {
          refuse({
            reason: 'unclear_image',
            message: `"${name}" is ${match.filepath}, which another entry names too.`,
          });
        } else if (!image.tooMany) {
          const update = updateOf(image, match);
          if (update !== undefined) updates.push(update);
        }
      }
      return updates;
    },
    refuse(count) {
      const message = 'A sample would be larger than MongoDB stores, with the annotations of all its fields.';
      for (let n = 0; n < count; n += 1) refuse({ reason: 'too_many', message });
    },
  };
}
