import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * The slowest test files, in the order in which they start. The first one mostly waits until a worker counts as
 * missing, and leaves the cores to the others. The order follows the times of a whole run. It need not be exact, but a
 * slow file must not run last, alone, on one core.
 */
export const LONGEST = [
  'test/jobs/waiting.test.ts',
  'test/faults/faults.test.ts',
  'test/operating/pause.test.ts',
  'test/starting/commands.test.ts',
  'test/operating/priority.test.ts',
  'test/workflows/continue-as-new.test.ts',
  'test/cli/up.test.ts',
  'test/web/page.test.ts',
  'test/cli/commands.test.ts',
  'test/datasets/commands.test.ts',
  'test/deploying/shutdown.test.ts',
  'test/plugin/packed.test.ts',
  'test/loading/worst-files.test.ts',
  'test/loading/load.test.ts',
  'test/inference/faults.test.ts',
  'test/inference/hanging.test.ts',
  'test/inference/text.test.ts',
  'test/loading/many-samples.test.ts',
  'test/operating/actions.test.ts',
  'test/workflows/resets.test.ts',
  'test/loading/reuse.test.ts',
  'test/plugin/bundling.test.ts',
  'test/deploying/chart.test.ts',
  'test/deploying/worker-entry.test.ts',
  'test/webhooks/delivery.test.ts',
  'test/operating/window.test.ts',
  'test/web/schedules.test.ts',
  'test/loading/engine.test.ts',
  'test/datasets/retry.test.ts',
  'test/local/stack.test.ts',
  'test/cli/usage.test.ts',
  'test/loading/broken-off.test.ts',
  'test/deploying/versioning.test.ts',
  'test/api/bad-input.test.ts',
  'test/datasets/delete.test.ts',
  'test/web/states.test.ts',
  'test/plugin/plugin.test.ts',
  'test/datasets/prune.test.ts',
  'test/plugin/nexus.test.ts',
  'test/webhooks/loads.test.ts',
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
