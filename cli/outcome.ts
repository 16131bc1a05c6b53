import type { PlimsollClient } from '../client/plimsoll-client.ts';
import type { JobStatus } from '../contract/job.ts';
import { findDataset } from '../core/store/datasets.ts';
import type { SampleDocument } from '../core/store/documents.ts';
import { listSamples } from '../core/store/samples.ts';
import type { Store } from '../core/store/store.ts';

/** Temporal's web page, if it is known. */
export interface WebUi {
  uiUrl: string | undefined;
  temporalNamespace: string;
}

/** A job's status, and what else a summary shows. */
export interface Outcome {
  status: JobStatus;
  /** Some samples that failed. */
  failures: readonly SampleDocument[];
  /** The folders that the dataset was loaded from. */
  sources: readonly string[];
  /** The workflow on Temporal's web page. */
  link: string | undefined;
}

export async function readOutcome({ store }: PlimsollClient, webUi: WebUi, status: JobStatus): Promise<Outcome> {
  const [failures, dataset] = await Promise.all([firstFailures(store, status), findDataset(store, status.dataset)]);
  return { status, failures, sources: dataset?.sources ?? [], link: linkOf(webUi, status) };
}

const FAILURES_SHOWN = 3;

/** The first samples that failed. Those that could not be read come before those that could not be embedded. */
async function firstFailures(store: Store, { dataset, phases }: JobStatus): Promise<SampleDocument[]> {
  const query = { datasetId: dataset, limit: FAILURES_SHOWN };
  const read = phases.indexing.failed > 0 ? (await listSamples(store, { ...query, status: 'failed' })).samples : [];
  if (phases.embedding.failed === 0 || read.length === FAILURES_SHOWN) return read;
  const { samples } = await listSamples(store, { ...query, status: 'indexed', withError: 'embedding' });
  return [...read, ...samples].slice(0, FAILURES_SHOWN);
}

function linkOf({ uiUrl, temporalNamespace }: WebUi, { workflow_id, job_id }: JobStatus): string | undefined {
  if (uiUrl === undefined) return undefined;
  const path = ['namespaces', temporalNamespace, 'workflows', workflow_id, job_id].map(encodeURIComponent);
  return `${uiUrl.replace(/\/+$/, '')}/${path.join('/')}`;
}

/**
 * Whether a retry read no file because none had failed. If failed files were out of its reach, its outcomes count their
 * folders or links.
 */
export function readNothing({ kind, phases: { indexing } }: JobStatus): boolean {
  const { unreadable_folders = 0, outside_links = 0 } = indexing.outcomes ?? {};
  return kind === 'retry' && indexing.total === 0 && unreadable_folders + outside_links === 0;
}

/** Whether a retry had nothing to do at all. */
export function hadNothingToRetry(status: JobStatus): boolean {
  return status.state === 'completed' && readNothing(status) && status.phases.embedding.total === 0;
}
