import { executeChild, proxyActivities } from '@temporalio/workflow';
import { loadDataset, loadWorkflowId } from 'plimsoll/workflows';
import type * as activities from './activities.ts';

// A worker runs what its workflows file exports: without this line it would have Plimsoll's activities and none of its
// workflows.
export * from 'plimsoll/workflows';

const { nameDataset } = proxyActivities<typeof activities>({ startToCloseTimeout: '10 seconds' });

export interface Album {
  title: string;
  /** Absolute path of a folder on the worker's machine. */
  folder: string;
}

export interface ImportedAlbum {
  dataset: string;
  photos: number;
  unreadable: number;
  vectors: number;
}

/** Imports an album: over when its photos can be browsed and have their vectors. */
export async function importAlbum({ title, folder }: Album): Promise<ImportedAlbum> {
  const dataset = await nameDataset(title);
  const { phases } = await executeChild(loadDataset, {
    // The ID under which all loads of the dataset run: there is one of them at a time.
    workflowId: loadWorkflowId(dataset),
    args: [{ dataset, source: folder }],
  });
  const { done: photos, failed: unreadable } = phases.indexing;
  return { dataset, photos, unreadable, vectors: phases.embedding.done };
}
