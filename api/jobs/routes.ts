import { createRoute } from '@hono/zod-openapi';
import { body, GUARDED, json, KEYED, problems, STORED, WITH_BODY } from '../http/answers.ts';
import { failurePage, failuresQuery } from '../schemas/failures.ts';
import {
  cancelBody,
  cleanupQuery,
  cleanupResult,
  job,
  jobPage,
  jobsQuery,
  retryBody,
  startedJob,
  startQuery,
  waited,
  waitQuery,
  webhookDeliveries,
} from '../schemas/jobs.ts';
import { jobParameter, startHeaders } from '../schemas/parameters.ts';

const tags = ['Jobs'];
const ONE_JOB = [
  'InvalidParameter',
  'JobNotFound',
  'AmbiguousJob',
  'TemporalUnavailable',
  ...GUARDED,
  ...STORED,
] as const;
const CHANGE = ['OriginRefused', 'ScopeMissing', ...ONE_JOB] as const;

export const listRoute = createRoute({
  method: 'get',
  path: '/api/jobs',
  operationId: 'listJobs',
  tags,
  summary: 'Running and past jobs',
  request: { query: jobsQuery },
  responses: {
    200: json(jobPage, 'A page of jobs.'),
    ...problems('InvalidParameter', 'TemporalUnavailable', ...GUARDED, ...STORED),
  },
});

export const cleanupRoute = createRoute({
  method: 'delete',
  path: '/api/jobs',
  operationId: 'removeJobs',
  tags,
  summary: 'Remove the records of old jobs',
  description:
    'Of those that ended before a time. Jobs that have not ended stay, and so do datasets, samples and vectors.',
  request: { query: cleanupQuery },
  responses: {
    200: json(cleanupResult, 'What was removed, or with `dry_run` would be.'),
    ...problems('ScopeMissing', 'TemporalUnavailable', ...WITH_BODY, ...GUARDED, ...STORED),
  },
});

export const getRoute = createRoute({
  method: 'get',
  path: '/api/jobs/{job}',
  operationId: 'getJob',
  tags,
  summary: 'How a job stands',
  request: { params: jobParameter },
  responses: { 200: json(job, 'The job.'), ...problems(...ONE_JOB) },
});

export const waitRoute = createRoute({
  method: 'get',
  path: '/api/jobs/{job}/wait',
  operationId: 'waitForJob',
  tags,
  summary: 'Wait for a job',
  description:
    'Answers when what is waited for has come, when the job has ended, or after the timeout: then `reached` is false.',
  request: { params: jobParameter, query: waitQuery },
  responses: { 200: json(waited, 'How the job stands then.'), ...problems(...ONE_JOB) },
});

const OPERATE = [...WITH_BODY, 'JobEnded', 'NotPausable', 'Refused', 'NoWorker', ...CHANGE] as const;

const operation = <P extends string>(
  operationId: string,
  path: P,
  summary: string,
  refusals: ReturnType<typeof problems>,
) =>
  createRoute({
    method: 'post',
    path,
    operationId,
    tags,
    summary,
    request: { params: jobParameter },
    responses: { 200: json(job, 'The job, as it stands then.'), ...refusals },
  });

export const pauseRoute = operation('pauseJob', '/api/jobs/{job}/pause', 'Pause a job', problems(...OPERATE));
export const resumeRoute = operation(
  'resumeJob',
  '/api/jobs/{job}/resume',
  'Let a paused job go on',
  problems('NotPaused', ...OPERATE),
);

export const cancelRoute = createRoute({
  method: 'post',
  path: '/api/jobs/{job}/cancel',
  operationId: 'cancelJob',
  tags,
  summary: 'Cancel a job',
  description: 'What was done is kept; the next load goes on from there. The job ends a moment later.',
  request: { params: jobParameter, body: { ...body(cancelBody), required: false } },
  responses: {
    200: json(job, 'The job, as it stands then.'),
    ...problems('JobEnded', 'Refused', 'NoWorker', ...CHANGE, ...WITH_BODY),
  },
});

export const retryRoute = createRoute({
  method: 'post',
  path: '/api/jobs/{job}/retry',
  operationId: 'retryJob',
  tags,
  summary: "Retry what failed in a job's dataset",
  description: 'Starts a job that reads and embeds again what could not be, and nothing else.',
  request: {
    params: jobParameter,
    query: startQuery,
    headers: startHeaders,
    body: { ...body(retryBody), required: false },
  },
  responses: {
    202: json(startedJob, 'The job.'),
    ...problems(...KEYED, 'AlreadyRunning', 'DatasetNotFound', ...CHANGE, ...WITH_BODY),
  },
});

export const failuresRoute = createRoute({
  method: 'get',
  path: '/api/jobs/{job}/failures',
  operationId: 'listFailures',
  tags,
  summary: 'What failed in a job, and why',
  request: { params: jobParameter, query: failuresQuery },
  responses: { 200: json(failurePage, 'A page of samples.'), ...problems(...ONE_JOB) },
});

export const webhooksRoute = createRoute({
  method: 'get',
  path: '/api/jobs/{job}/webhooks',
  operationId: 'getWebhookDeliveries',
  tags,
  summary: "The messages to a job's webhooks that were not delivered so far, and why",
  request: { params: jobParameter },
  responses: { 200: json(webhookDeliveries, 'How many, and which.'), ...problems(...ONE_JOB) },
});
