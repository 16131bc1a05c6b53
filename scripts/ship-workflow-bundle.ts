/** Puts the bundle of Plimsoll's workflows into `dist`: `node scripts/ship-workflow-bundle.ts`. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type * as bundles from '../workers/workflow-bundle.ts';

const built: typeof bundles = await import(join(import.meta.dirname, '../dist/workers/workflow-bundle.js'));
const path = await built.shippedBundlePath();
await mkdir(dirname(path), { recursive: true });
await writeFile(path, await built.buildWorkflowBundle());
