/** Types of the server's answers, derived from its schemas. Only types are imported. */
export type { ClassList } from '../../../api/schemas/annotations.ts';
export type { Dataset, DatasetList, DatasetModels, TagCounts, UsedModel } from '../../../api/schemas/datasets.ts';
export type { DocumentChunk, DocumentPage } from '../../../api/schemas/documents.ts';
export type { DuplicateGroup, DuplicatePage, KeptOne } from '../../../api/schemas/duplicates.ts';
export type { FailurePage } from '../../../api/schemas/failures.ts';
export type { Job, JobPage, StartedJob, WebhookDeliveries } from '../../../api/schemas/jobs.ts';
export type { Problem } from '../../../api/schemas/problem.ts';
export type {
  Neighbors,
  Sample,
  SampleDetail,
  SamplePage,
  Tagged,
  TagRequest,
} from '../../../api/schemas/samples.ts';
export type { Schedule, ScheduledRun, ScheduleList } from '../../../api/schemas/schedules.ts';
export type { Hit, Hits } from '../../../api/schemas/search.ts';
export type { Config, Folders, Models, Sources } from '../../../api/schemas/server.ts';
export type { Annotation, Mask, Point } from '../../../contract/annotation.ts';
export type { AnnotationFormatName, AnnotationTask } from '../../../contract/annotations.ts';
export type { JobKind, JobState, PhaseName, PhaseState } from '../../../contract/job.ts';

import type { z } from 'zod';
import type { removalPreview } from '../../../api/schemas/datasets.ts';
import type { exportBody } from '../../../api/schemas/exports.ts';
import type { Job } from '../../../api/schemas/jobs.ts';
import type { Sample } from '../../../api/schemas/samples.ts';

export type ExportRequest = z.input<typeof exportBody>;
export type RemovalPreview = z.infer<typeof removalPreview>;
export type Phase = Job['phases']['indexing'];
export type SampleState = Sample['status'];
