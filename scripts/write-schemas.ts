/**
 * Writes the generated docs of the contract: the JSON Schema of each workflow's input, of a webhook's body and of a
 * job's failure, and the page of failures. Run it with `npm run write-docs`.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { failures } from '../contract/failures.ts';
import {
  annotateDatasetInput,
  deleteDatasetInput,
  dropModelInput,
  embedDatasetInput,
  exportDatasetInput,
  findDuplicatesInput,
  forgetSourceInput,
  importVectorsInput,
  indexVectorsInput,
  loadDatasetInput,
  pruneDatasetInput,
  relocateDatasetInput,
  retryFailedInput,
  scheduledLoadInput,
} from '../contract/inputs.ts';
import { searchInput } from '../contract/search.ts';
import { webhookPayload } from '../contract/webhook-payload.ts';
import { failuresPage } from './failures-page.ts';

const docs = join(import.meta.dirname, '../docs');

/** The schemas by file name. */
export const schemas: Record<string, string> = {
  'load-dataset.json': jsonSchemaOf(loadDatasetInput),
  'embed-dataset.json': jsonSchemaOf(embedDatasetInput),
  'retry-failed.json': jsonSchemaOf(retryFailedInput),
  'prune-dataset.json': jsonSchemaOf(pruneDatasetInput),
  'relocate-dataset.json': jsonSchemaOf(relocateDatasetInput),
  'annotate-dataset.json': jsonSchemaOf(annotateDatasetInput),
  'forget-source.json': jsonSchemaOf(forgetSourceInput),
  'delete-dataset.json': jsonSchemaOf(deleteDatasetInput),
  'export-dataset.json': jsonSchemaOf(exportDatasetInput),
  'find-duplicates.json': jsonSchemaOf(findDuplicatesInput),
  'drop-model.json': jsonSchemaOf(dropModelInput),
  'import-vectors.json': jsonSchemaOf(importVectorsInput),
  'index-vectors.json': jsonSchemaOf(indexVectorsInput),
  'scheduled-load.json': jsonSchemaOf(scheduledLoadInput),
  'search-samples.json': jsonSchemaOf(searchInput),
  'webhook-payload.json': jsonSchemaOf(webhookPayload),
  'failure.json': jsonSchemaOf(failureOfJob()),
};

/** The written files, by path below docs. */
export const generated: Record<string, string> = {
  ...Object.fromEntries(Object.entries(schemas).map(([name, text]) => [`schemas/${name}`, text])),
  'failures.md': failuresPage(),
};

function jsonSchemaOf(schema: z.ZodType): string {
  return `${JSON.stringify(z.toJSONSchema(schema, { io: 'input' }), null, 2)}\n`;
}

/** The schema of `error` in the status and the record of a job. */
function failureOfJob() {
  const codes = failures().flatMap(([code, { ends, recorded, meaning }]) =>
    ends === undefined && recorded === undefined ? [] : [z.literal(code).describe(meaning)],
  );
  return z
    .object({
      code: z.union(codes).describe('For programs; docs/failures.md says more.'),
      message: z.string().describe('For people: what was wrong, with which value, and what to do.'),
    })
    .describe('Why a job failed or was canceled.');
}

if (import.meta.main) {
  await mkdir(join(docs, 'schemas'), { recursive: true });
  for (const [path, text] of Object.entries(generated)) await writeFile(join(docs, path), text);
}
