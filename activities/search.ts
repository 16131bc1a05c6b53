import { Context } from '@temporalio/activity';
import { parseInWords, sentenceOf } from '../contract/faults-in-words.ts';
import { type SearchAnswer, type SearchInput, searchInput } from '../contract/search.ts';
import { UserError } from '../core/errors.ts';
import type { Searcher } from '../search/searcher.ts';
import { withHeartbeats } from './heartbeats.ts';
import { withUserFailures } from './user-failures.ts';

export type SearchActivities = ReturnType<typeof createSearchActivities>;

/** Creates the activity that searches, for workflows of your own. It runs where the models are: on the GPU queues. */
export function createSearchActivities({ search }: Pick<Searcher, 'search'>) {
  return withUserFailures({
    /** Finds the samples of a dataset that are nearest to words, a vector or a sample. */
    async searchSamples(input: SearchInput): Promise<SearchAnswer> {
      // A picture would be a path on this machine, which a workflow may not read.
      const parsed = parseInWords(searchInput, input);
      if (!parsed.success) throw new UserError('InvalidInput', sentenceOf(parsed.faults));
      const { cancellationSignal } = Context.current();
      return withHeartbeats(() => search(parsed.data, { signal: cancellationSignal }));
    },
  });
}
