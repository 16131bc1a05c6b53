import type { BuiltIndex, IndexBuilder, SavedIndex } from '../core/search/index-builder.ts';
import { startSearchProcess } from './child-process.ts';

/** Builds an index in a child process, which ends when the builder is closed. */
export function createProcessBuilder(): IndexBuilder {
  const running = startSearchProcess('builder');
  return {
    open: async (...given) => (await running.call('open', given)) as SavedIndex | undefined,
    begin: async (...given) => void (await running.call('begin', given)),
    add: async (...given) => void (await running.call('add', given)),
    save: async () => void (await running.call('save', [])),
    finish: async () => (await running.call('finish', [])) as BuiltIndex,
    async close() {
      running.kill('was closed');
      // It holds its folder until it has ended.
      await running.exited;
    },
  };
}
