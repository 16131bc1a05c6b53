import { describe, expect, it } from 'vitest';
import {
  CANCEL_UPDATE,
  EMBEDDING_TASK_QUEUE,
  embedWorkflowId,
  exportWorkflowId,
  INDEXING_TASK_QUEUE,
  KINDS,
  loadWorkflowId,
  PAUSE_UPDATE,
  RESUME_UPDATE,
  SCHEDULED_WORKFLOW,
  STATUS_QUERY,
  WEBHOOK_WORKFLOW,
} from '../../contract/names.ts';
import { plimsollService } from '../../contract/nexus.ts';
import { priorityOf } from '../../contract/priority.ts';
import { datasetAttribute, phaseAttribute } from '../../contract/search-attributes.ts';

// People type these at Temporal's command, and running workflows hold them: a rename breaks both.
describe('names that are known outside of the code', () => {
  it('are those of the workflows, by kind', () => {
    expect(KINDS).toEqual({
      loadDataset: 'load',
      retryFailed: 'retry',
      embedDataset: 'embed',
      pruneDataset: 'prune',
      findDuplicates: 'duplicates',
      relocateDataset: 'relocate',
      forgetSource: 'forget',
      deleteDataset: 'delete',
      dropModel: 'drop',
      indexVectors: 'index',
      annotateDataset: 'annotate',
      exportDataset: 'export',
      importVectors: 'import',
    });
  });

  it('are those of task queues, the Nexus service and the other workflows', () => {
    expect([INDEXING_TASK_QUEUE, EMBEDDING_TASK_QUEUE]).toEqual(['plimsoll', 'plimsoll-gpu']);
    expect(plimsollService.name).toBe('plimsoll');
    expect([SCHEDULED_WORKFLOW, WEBHOOK_WORKFLOW]).toEqual(['scheduledLoad', 'deliverWebhook']);
  });

  it('are those of updates, queries and search attributes', () => {
    expect([PAUSE_UPDATE, RESUME_UPDATE, CANCEL_UPDATE, STATUS_QUERY]).toEqual(['pause', 'resume', 'cancel', 'status']);
    expect([datasetAttribute.name, phaseAttribute.name]).toEqual(['PlimsollDataset', 'PlimsollPhase']);
  });
});

describe('the Workflow ID', () => {
  it('of a load is that of its dataset', () => {
    expect(loadWorkflowId('cats')).toBe('load-cats');
  });

  it('of an embedding has the hash of a path, FNV-1a', () => {
    expect(embedWorkflowId('cats', '/')).toMatch(/^embed-cats:~[0-9a-f]{8}$/);
    expect(embedWorkflowId('cats', '/models/clip/')).toBe(`embed-cats:clip~${fnv1a('/models/clip/')}`);
    // A hash that begins with 0.
    expect(embedWorkflowId('cats', '/1a')).toBe(`embed-cats:1a~${fnv1a('/1a')}`);
  });

  it('of an embedding is cut where the name of the model is long', () => {
    const name = 'm'.repeat(200);
    expect(embedWorkflowId('cats', name)).toBe(`embed-cats:${name}`);
    expect(embedWorkflowId('cats', `${name}n`)).toBe(`embed-cats:${name}~${fnv1a(`${name}n`)}`);
  });

  it('of an export has the hash of its folder, however that is written', () => {
    expect(exportWorkflowId('cats', '/out/cats')).toBe(`export-cats:${fnv1a('/out/cats')}`);
    expect(exportWorkflowId('cats', '/out//cats/')).toBe(exportWorkflowId('cats', '/out/cats'));
    expect(exportWorkflowId('cats', '/out/dogs')).not.toBe(exportWorkflowId('cats', '/out/cats'));
  });

  /** FNV-1a by its definition, with whole numbers of any length. */
  function fnv1a(text: string): string {
    let hash = 0x811c9dc5n;
    for (const byte of Buffer.from(text)) hash = ((hash ^ BigInt(byte)) * 0x01000193n) & 0xffffffffn;
    return hash.toString(16).padStart(8, '0');
  }
});

describe('the priority of a job', () => {
  it('shares between datasets unless told otherwise', () => {
    expect(priorityOf({ dataset: 'cats' })).toStrictEqual({ fairnessKey: 'cats' });
  });

  it('is what was asked for', () => {
    expect(priorityOf({ dataset: 'cats', priority: 1, fairness_key: 'tenant', fairness_weight: 2.5 })).toEqual({
      fairnessKey: 'tenant',
      priorityKey: 1,
      fairnessWeight: 2.5,
    });
  });
});
