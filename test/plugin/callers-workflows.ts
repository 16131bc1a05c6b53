import { createNexusServiceClient } from '@temporalio/workflow';
import type { LoadDatasetRequest } from '../../contract/inputs.ts';
import type { JobStatus } from '../../contract/job.ts';
import { type NexusStatusRequest, plimsollService } from '../../contract/nexus.ts';

export function loadByNexus(endpoint: string, request: LoadDatasetRequest): Promise<JobStatus> {
  return createNexusServiceClient({ service: plimsollService, endpoint }).executeOperation('load', request);
}

export function statusByNexus(endpoint: string, request: NexusStatusRequest): Promise<JobStatus> {
  return createNexusServiceClient({ service: plimsollService, endpoint }).executeOperation('status', request, {
    scheduleToCloseTimeout: '60 seconds',
  });
}
