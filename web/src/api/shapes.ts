/** Types of the server's answers, derived from its schemas. Only types are imported. */
export type { Dataset, DatasetList, DatasetModels, TagCounts, UsedModel } from '../../../api/schemas/datasets.ts';
export type { DocumentChunk, DocumentPage } from '../../../api/schemas/documents.ts';
export type { DuplicateGroup, DuplicatePage, KeptOne } from '../../../api/schemas/duplicates.ts';
export type { FailurePage } from '../../../api/schemas/failures.ts';
export type { Job, JobPage, StartedJob } from '../../../api/schemas/jobs.ts';
export type { Problem } from '../../../api/schemas/problem.ts';
export type {
  Neighbors,
  SampleDetail,
  SamplePage,
  Tagged,
  TagRequest,
} from '../../../api/schemas/samples.ts';
export type { Schedule, ScheduledRun, ScheduleList } from '../../../api/schemas/schedules.ts';
export type { Hit, Hits } from '../../../api/schemas/search.ts';
export type { Config, Folders, Models, Sources } from '../../../api/schemas/server.ts';
export type { JobKind, JobState, PhaseName, PhaseState } from '../../../contract/job.ts';
export type { Annotation, AnnotationClass, Mask, Point } from '../../../core/annotations/annotation.ts';

import type { z } from 'zod';
import type { removalPreview } from '../../../api/schemas/datasets.ts';
import type { Job } from '../../../api/schemas/jobs.ts';
import type { Sample as PlainSample } from '../../../api/schemas/samples.ts';
import type { Annotation } from '../../../core/annotations/annotation.ts';

export type RemovalPreview = z.infer<typeof removalPreview>;
export type Phase = Job['phases']['indexing'];
/** A sample. It has annotations if these were asked for. */
export type Sample = PlainSample & { annotations?: AnnotationFields };
export type SampleState = Sample['status'];

/** The annotations of a sample by field. */
export type AnnotationFields = Readonly<Record<string, readonly Annotation[]>>;

/** A class of a field, with the number of samples that have it and of its objects. */
export interface ClassCounts {
  name: string;
  samples: number;
  objects: number;
  keypoints?: string[];
  skeleton?: [number, number][];
}

/** A field of annotations. Its classes are ordered by objects, the most frequent first. */
export interface FieldCounts {
  name: string;
  samples: number;
  objects: number;
  classes: ClassCounts[];
}

export interface DatasetClasses {
  fields: FieldCounts[];
  splits: { name: string; samples: number }[];
}
