import type { PhaseName } from '../../contract/job.ts';
import { readinessOf } from '../../core/jobs/readiness.ts';
import { servingKey } from '../../core/search/model-to-search.ts';
import type { DatasetDocument } from '../../core/store/documents.ts';
import type { Dataset } from '../schemas/datasets.ts';
import type { Scope } from '../schemas/server.ts';
import { shownModel, shownSource } from './paths.ts';

/** Presents a dataset to a caller of a scope. */
export function presentDataset(document: DatasetDocument, scope: Scope): Dataset {
  const phase = (name: PhaseName) => {
    const { state, job_id, at } = document.phases[name] ?? {};
    return state === undefined || job_id === undefined || at === undefined
      ? null
      : { state, job_id, at: at.toISOString() };
  };
  return {
    dataset: document._id,
    readiness: readinessOf(document),
    media_type: document.media_type,
    sources: document.sources.map((source) => shownSource(source, scope)),
    counts: document.counts,
    next_seq: document.next_seq,
    phases: { indexing: phase('indexing'), embedding: phase('embedding') },
    models: document.models.map((model) => ({
      key: model.key,
      name: shownModel(model.name, scope),
      revision: model.revision,
      dim: model.dim,
      vectors: model.vectors,
      last_modified_at: model.last_modified_at.toISOString(),
    })),
    annotation_fields: (document.annotation_fields ?? []).map(({ name }) => name),
    serving:
      servingKey(
        document,
        document.models.filter(({ vectors }) => vectors > 0).map(({ key }) => key),
      ) ?? null,
    latest_job: document.latest_job ?? null,
    deleting: document.deleting !== undefined,
    created_at: document.created_at.toISOString(),
    last_modified_at: document.last_modified_at.toISOString(),
  };
}
