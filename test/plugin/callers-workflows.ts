import { createNexusServiceClient } from '@temporalio/workflow';
import type { LoadStatus } from '../../core/loads/status.ts';
import type { LoadDatasetRequest } from '../../workflows/contract.ts';
import { type NexusStatusRequest, plimsollService } from '../../workflows/nexus.ts';

export function loadByNexus(endpoint: string, request: LoadDatasetRequest): Promise<LoadStatus> {
  return createNexusServiceClient({ service: plimsollService, endpoint }).executeOperation('load', request);
}

export function statusByNexus(endpoint: string, request: NexusStatusRequest): Promise<LoadStatus> {
  return createNexusServiceClient({ service: plimsollService, endpoint }).executeOperation('status', request, {
    scheduleToCloseTimeout: '60 seconds',
  });
}
