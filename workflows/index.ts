/** Plimsoll's workflows, to be re-exported from your own workflows file. Safe in the workflow sandbox. */
export { deleteDataset } from './delete-dataset.ts';
export { deliverWebhook } from './deliver-webhook.ts';
export { embedDataset } from './embed-dataset.ts';
export { embedShard } from './embed-shard.ts';
export { loadDataset } from './load-dataset.ts';
export { pruneDataset } from './prune-dataset.ts';
