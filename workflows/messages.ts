import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { LoadStatus } from '../core/loads/status.ts';
import { STATUS_QUERY } from './contract.ts';

/** How the load stands, from the workflow's own state: to a page or a chunk, where the store knows to a batch. */
export const statusQuery = defineQuery<LoadStatus>(STATUS_QUERY);

/** How far the embedding has come; cumulative, so that a lost or repeated one does no harm. */
export interface EmbeddingReport {
  model_key: string;
  done: number;
  failed: number;
  total: number;
}

/** From embedDataset to the load that it is a phase of. */
export const embeddingProgress = defineSignal<[EmbeddingReport]>('embeddingProgress');

/** From a shard to embedDataset. */
export const shardProgress = defineSignal<[{ shard: number; done: number; failed: number }]>('shardProgress');
