import type { ScheduleStatus } from '../../client/schedule-status.ts';
import type { Schedule } from '../schemas/schedules.ts';
import type { Scope } from '../schemas/server.ts';
import { shownRequest } from './job.ts';
import { shownSource, withoutPaths } from './paths.ts';

/** Presents a schedule. Callers of read scope see only the last name of each folder. */
export function presentSchedule(status: ScheduleStatus, scope: Scope, roots: readonly string[] = []): Schedule {
  if (scope === 'operate') return status;
  const { note, last_run, request } = status;
  return {
    ...status,
    ...withoutPaths({ note, last_run }, [...roots, request.source, request.model]),
    source: shownSource(status.source, scope),
    request: shownRequest(request),
  };
}
