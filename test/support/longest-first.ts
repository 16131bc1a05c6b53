import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * The slowest test files, in the order in which they start. The first two mostly wait, and leave the cores to the
 * others. A machine that has not built the programs in Go needs minutes for them, so their tests come early. The order
 * follows the times of a whole run. It need not be exact, but a slow file must not run last, alone, on one core.
 */
export const LONGEST = [
  'test/jobs/waiting.test.ts',
  'test/inference/hanging.test.ts',
  'test/plugin/packed.test.ts',
  'test/cli/background-indexing-page.test.ts',
  'test/web/documents.test.ts',
  'test/datasets/import-vectors.test.ts',
  'test/faults/faults.test.ts',
  'test/exporting/resume.test.ts',
  'test/exporting/export-job.test.ts',
  'test/deploying/chart.test.ts',
  'test/cli/up.test.ts',
  'test/web/page.test.ts',
  'test/deploying/go-example.test.ts',
  'test/datasets/commands.test.ts',
  'test/web/schedules.test.ts',
  'test/loading/load.test.ts',
  'test/cli/commands.test.ts',
  'test/operating/pause.test.ts',
  'test/workflows/resets.test.ts',
  'test/webhooks/delivery.test.ts',
  'test/api/bad-input.test.ts',
  'test/datasets/duplicates-quality.test.ts',
  'test/datasets/models.test.ts',
  'test/datasets/duplicates.test.ts',
  'test/inference/text.test.ts',
  'test/cli/config-jobs.test.ts',
  'test/cli/encode.test.ts',
  'test/artifact/damage.test.ts',
  'test/artifact/resume.test.ts',
  'test/media/documents/readers.test.ts',
  'test/loading/minilm.test.ts',
  'test/loading/documents.test.ts',
  'test/loading/artifact.test.ts',
  'test/search/index.test.ts',
  'test/search/index-job.test.ts',
  'test/search/index-faults.test.ts',
  'test/web/search.test.ts',
  'test/local/stack.test.ts',
  'test/loading/many-samples.test.ts',
  'test/inference/faults.test.ts',
  'test/loading/reuse.test.ts',
  'test/datasets/delete.test.ts',
  'test/datasets/prune.test.ts',
  'test/operating/actions.test.ts',
  'test/operating/window.test.ts',
  'test/inference/reading.test.ts',
  'test/datasets/retry.test.ts',
  'test/operating/priority.test.ts',
  'test/starting/commands.test.ts',
  'test/web/states.test.ts',
  'test/api/events.test.ts',
  'test/plugin/plugin.test.ts',
  'test/contract/failures.test.ts',
  'test/deploying/worker-entry.test.ts',
  'test/plugin/python.test.ts',
  'test/loading/worst-files.test.ts',
  'test/workflows/status.test.ts',
  'test/deploying/shutdown.test.ts',
  'test/faults/survivor.test.ts',
  'test/api/if-running.test.ts',
  'test/loading/scans.test.ts',
  'test/api/document.test.ts',
  'test/models/builtin-model.test.ts',
  'test/workflows/continue-as-new.test.ts',
  'test/loading/broken-off.test.ts',
  'test/inference/models.test.ts',
  'test/api/written.test.ts',
  'test/workflows/determinism.test.ts',
  'test/operating/parts.test.ts',
  'test/plugin/bundling.test.ts',
  'test/loading/engine.test.ts',
  'test/webhooks/loads.test.ts',
  'test/plugin/nexus.test.ts',
  'test/deploying/versioning.test.ts',
];

/** Starts the slowest files first, then the rest in Vitest's order. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const missing = LONGEST.filter((file) => !existsSync(file));
    if (missing.length > 0) throw new Error(`test/support/longest-first.ts names files that are gone: ${missing}`);
    const rankOf = ({ moduleId }: TestSpecification) => {
      const rank = LONGEST.indexOf(relative(process.cwd(), moduleId));
      return rank < 0 ? LONGEST.length : rank;
    };
    const others = await super.sort(files);
    return others.toSorted((a, b) => rankOf(a) - rankOf(b));
  }
}
