import { createRoute } from '@hono/zod-openapi';
import { scheduleInput } from '../../client/schedule-request.ts';
import { body, GUARDED, json, KEYED, problems, STORED, WITH_BODY } from '../http/answers.ts';
import { scheduleParameter, startHeaders } from '../schemas/parameters.ts';
import { schedule, scheduleList, schedulePauseBody } from '../schemas/schedules.ts';

const tags = ['Schedules'];
const ASK = ['TemporalUnavailable', ...GUARDED, ...STORED] as const;
const ASK_ONE = ['InvalidParameter', 'ScheduleNotFound', ...ASK] as const;
const CHANGE = ['OriginRefused', 'ScopeMissing', ...ASK_ONE] as const;

export const createOneRoute = createRoute({
  method: 'post',
  path: '/api/schedules',
  operationId: 'createSchedule',
  tags,
  summary: 'Repeat a load by cron or interval',
  description:
    'The folder is one below a source root, as for a load; `load` is what starts a load, and is the same for each run. A run is skipped while a job of the dataset is running.',
  request: { headers: startHeaders, body: body(scheduleInput.meta({ id: 'ScheduleRequest' })) },
  responses: {
    201: json(schedule, 'The schedule.'),
    ...problems(
      ...KEYED,
      'ScopeMissing',
      'SourceOutsideRoots',
      'ScheduleExists',
      'InvalidSchedule',
      ...ASK,
      ...WITH_BODY,
    ),
  },
});

export const listRoute = createRoute({
  method: 'get',
  path: '/api/schedules',
  operationId: 'listSchedules',
  tags,
  summary: 'All schedules',
  description: "When each is due, and how its last run ended. Temporal's list lags a second or two behind.",
  responses: { 200: json(scheduleList, 'The schedules.'), ...problems(...ASK) },
});

export const getRoute = createRoute({
  method: 'get',
  path: '/api/schedules/{schedule}',
  operationId: 'getSchedule',
  tags,
  summary: 'A schedule',
  request: { params: scheduleParameter },
  responses: { 200: json(schedule, 'The schedule.'), ...problems(...ASK_ONE) },
});

export const deleteRoute = createRoute({
  method: 'delete',
  path: '/api/schedules/{schedule}',
  operationId: 'deleteSchedule',
  tags,
  summary: 'Delete a schedule',
  description: 'A load under way goes on, and the dataset stays.',
  request: { params: scheduleParameter },
  responses: { 204: { description: 'It is deleted.' }, ...problems(...CHANGE, ...WITH_BODY) },
});

export const pauseRoute = createRoute({
  method: 'post',
  path: '/api/schedules/{schedule}/pause',
  operationId: 'pauseSchedule',
  tags,
  summary: 'Pause a schedule',
  description: 'It starts no more loads until it is resumed; one under way goes on.',
  request: { params: scheduleParameter, body: { ...body(schedulePauseBody), required: false } },
  responses: { 200: json(schedule, 'The schedule, as it is then.'), ...problems(...CHANGE, ...WITH_BODY) },
});

export const resumeRoute = createRoute({
  method: 'post',
  path: '/api/schedules/{schedule}/resume',
  operationId: 'resumeSchedule',
  tags,
  summary: 'Let a paused schedule go on',
  request: { params: scheduleParameter },
  responses: { 200: json(schedule, 'The schedule, as it is then.'), ...problems(...CHANGE, ...WITH_BODY) },
});

export const triggerRoute = createRoute({
  method: 'post',
  path: '/api/schedules/{schedule}/trigger',
  operationId: 'triggerSchedule',
  tags,
  summary: 'Load now, beside the times of the schedule',
  description:
    'Also while it is paused. `last_run` is then that run, which may be `skipped`; null where no worker has taken it up within some seconds.',
  request: { params: scheduleParameter, headers: startHeaders },
  responses: {
    200: json(schedule, 'The schedule, as it is then.'),
    ...problems(...KEYED, 'AlreadyRunning', ...CHANGE, ...WITH_BODY),
  },
});
