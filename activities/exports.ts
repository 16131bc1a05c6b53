import type { ExportedCounts, ExportFormatName } from '../contract/exports.ts';
import type { ExportDatasetInput } from '../contract/inputs.ts';
import { exportWorkflowId } from '../contract/names.ts';
import { UserError } from '../core/errors.ts';
import { exportDataset } from '../core/exporting/export-dataset.ts';
import { requireExportable } from '../core/exporting/require-exportable.ts';
import { isInOrBelow } from '../core/folders.ts';
import type { Media } from '../core/media/medium.ts';
import type { Sources } from '../core/sources/source.ts';
import { claimDataset, getDataset, listDatasets } from '../core/store/datasets.ts';
import { noteExported } from '../core/store/jobs.ts';
import type { Store } from '../core/store/store.ts';
import { checkWebhooks } from '../core/webhooks/check.ts';
import type { WebhookConfig } from '../core/webhooks/config.ts';
import { withSteps } from './heartbeats.ts';
import { recordRun, requireRun } from './job-runs.ts';
import { createNoter } from './noter.ts';
import { requireWorkflowId } from './require-workflow-id.ts';
import { withUserFailures } from './user-failures.ts';

export interface ExportDependencies {
  store: Store;
  media: Media;
  sources: Sources;
  /** Whether this namespace has Plimsoll's search attributes. */
  searchAttributes: () => Promise<boolean>;
  /** If omitted, a job with webhooks is refused. */
  webhooks?: WebhookConfig;
}

export interface BeginExportInput {
  job_id: string;
  workflow_id: string;
  request: ExportDatasetInput;
}

export interface BegunExport {
  search_attributes: boolean;
  /** The model whose vectors are written; null if none are. */
  model_key: string | null;
}

export interface WriteExportInput {
  job_id: string;
  request: ExportDatasetInput;
  model_key: string | null;
}

export type ExportActivities = ReturnType<typeof createExportActivities>;

/** Creates the activities that write a dataset to a folder. */
export function createExportActivities({ store, media, sources, searchAttributes, webhooks }: ExportDependencies) {
  return withUserFailures({
    /** Records the export, and checks that there is what it is to write, and that its folder may be written. */
    async beginExport(input: BeginExportInput): Promise<BegunExport> {
      const { job_id, workflow_id, request } = input;
      const { dataset, target } = request;
      await recordRun(store, { kind: 'export', dataset, embeds: false }, { ...input, continued: false });
      requireWorkflowId(workflow_id, exportWorkflowId(dataset, target));
      await claimDataset(store, dataset, job_id);
      await checkWebhooks(webhooks, request.webhooks);
      const { hasAnnotations, name } = media.byName((await getDataset(store, dataset)).media_type);
      if (hasAnnotations !== true) requireFormatOfText(request, name);
      await requireExportPlace(target, sources);
      await requireOutsideSources(store, target);
      const model_key = (await requireExportable(store, request)) ?? null;
      return { search_attributes: await searchAttributes(), model_key };
    },

    /** Writes the export. An attempt after a crash goes on: images that are whole are not copied again. */
    async writeExport({ job_id, request, model_key }: WriteExportInput): Promise<ExportedCounts> {
      return withSteps(async ({ onStep, signal }) => {
        await requireRun(store, job_id);
        await requireExportPlace(request.target, sources);
        const { note, last } = createNoter((exported: ExportedCounts) => noteExported(store, job_id, exported));
        const exported = await exportDataset(
          { store, sources },
          {
            jobId: job_id,
            request,
            modelKey: model_key ?? undefined,
            onStep: () => onStep(),
            onProgress: note,
            signal,
          },
        );
        return last(exported);
      });
    },
  });
}

/** The formats that hold more than pictures. */
const FORMATS_OF_TEXT: readonly ExportFormatName[] = ['csv', 'jsonl', 'npy', 'parquet'];

/** @throws UserError InvalidInput */
function requireFormatOfText({ format, images }: ExportDatasetInput, medium: string): void {
  if (FORMATS_OF_TEXT.includes(format) && images === 'none') return;
  throw new UserError(
    'InvalidInput',
    `format: samples of the medium ${medium} are no images. Export them as ${FORMATS_OF_TEXT.join(', ')}, with images none.`,
    { fields: ['format'] },
  );
}

/**
 * Requires that no source holds the folder: the next load would take the copies for images of its own.
 *
 * @throws UserError ExportNotWritable
 */
async function requireOutsideSources(store: Store, target: string): Promise<void> {
  for (const { _id, sources } of await listDatasets(store)) {
    const source = sources.find((root) => isInOrBelow(target, root));
    if (source === undefined) continue;
    throw new UserError(
      'ExportNotWritable',
      `The dataset can't be exported to ${target}: it is in ${source}, a source of ${_id}, whose next load would take the copies for images.`,
    );
  }
}

/**
 * Requires that a folder may be written: it is one that sources may be in.
 *
 * @throws UserError ExportNotWritable
 */
async function requireExportPlace(target: string, sources: Sources): Promise<void> {
  if (await sources.of(target).allows({ path: target })) return;
  throw new UserError(
    'ExportNotWritable',
    `The dataset can't be exported to ${target}: it is outside the folders that PLIMSOLL_SOURCE_ROOTS allows.`,
  );
}
