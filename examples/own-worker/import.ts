/** Imports an album, and shows how its dataset stands: `npm run import -- TITLE FOLDER`. */
import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { connectPlimsoll } from 'plimsoll/client';
import type { importAlbum } from './workflows.ts';

const [title, folder] = process.argv.slice(2);
if (title === undefined || folder === undefined) {
  console.error('Usage: npm run import -- TITLE FOLDER');
  process.exit(2);
}

const plimsoll = await connectPlimsoll({
  mongodbUri: process.env.MONGODB_URI ?? 'mongodb://127.0.0.1:27017/?replicaSet=plimsoll',
});
const imported = await plimsoll.temporal.workflow.execute<typeof importAlbum>('importAlbum', {
  taskQueue: 'photos',
  workflowId: `import-${randomUUID()}`,
  args: [{ title, folder: resolve(folder) }],
});
const { job_id, state } = await plimsoll.status(imported.dataset);
console.log(JSON.stringify({ ...imported, job_id, state }));
await plimsoll.close();
