import { proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { SearchActivities } from '../../activities/search.ts';
import type { SearchAnswer, SearchInput } from '../../contract/search.ts';

export function find(input: SearchInput): Promise<SearchAnswer> {
  const { searchSamples } = proxyActivities<SearchActivities>({
    taskQueue: workflowInfo().taskQueue,
    startToCloseTimeout: '5 minutes',
    heartbeatTimeout: '12 seconds',
  });
  return searchSamples(input);
}
