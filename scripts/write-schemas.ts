/** Writes the JSON Schema of each workflow's input, and of a webhook's body, to docs/schemas: `node scripts/write-schemas.ts`. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import {
  deleteDatasetInput,
  embedDatasetInput,
  loadDatasetInput,
  pruneDatasetInput,
  retryFailedInput,
  scheduledLoadInput,
} from '../contract/inputs.ts';
import { webhookPayload } from '../contract/webhook-payload.ts';

const folder = join(import.meta.dirname, '../docs/schemas');

/** The schemas by the name of their file. */
export const schemas: Record<string, string> = {
  'load-dataset.json': jsonSchemaOf(loadDatasetInput),
  'embed-dataset.json': jsonSchemaOf(embedDatasetInput),
  'retry-failed.json': jsonSchemaOf(retryFailedInput),
  'prune-dataset.json': jsonSchemaOf(pruneDatasetInput),
  'delete-dataset.json': jsonSchemaOf(deleteDatasetInput),
  'scheduled-load.json': jsonSchemaOf(scheduledLoadInput),
  'webhook-payload.json': jsonSchemaOf(webhookPayload),
};

function jsonSchemaOf(schema: z.ZodType): string {
  return `${JSON.stringify(z.toJSONSchema(schema, { io: 'input' }), null, 2)}\n`;
}

if (import.meta.main) {
  await mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(schemas)) await writeFile(join(folder, name), text);
}
