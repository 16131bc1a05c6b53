import { createRoute } from '@hono/zod-openapi';
import { body, GUARDED, json, KEYED, problems, STORED, WITH_BODY } from '../http/answers.ts';
import { duplicatePage, duplicatesBody, duplicatesQuery, keepOneBody, keptOne } from '../schemas/duplicates.ts';
import { startedJob, startQuery } from '../schemas/jobs.ts';
import { datasetParameter, startHeaders } from '../schemas/parameters.ts';

const tags = ['Duplicates'];
const ONE = ['InvalidParameter', 'DatasetNotFound', ...GUARDED, ...STORED] as const;
const CHANGE = ['OriginRefused', 'ScopeMissing', ...ONE, ...WITH_BODY] as const;

export const startRoute = createRoute({
  method: 'post',
  path: '/api/datasets/{dataset}/duplicates',
  operationId: 'findDuplicates',
  tags,
  summary: 'Find near-duplicates',
  description:
    'Starts a job that compares the vectors of a dataset with each other. Until it has ended, the groups of the search before are given.',
  request: {
    params: datasetParameter,
    query: startQuery,
    headers: startHeaders,
    body: { ...body(duplicatesBody), required: false },
  },
  responses: {
    202: json(startedJob, 'The job.'),
    ...problems(...KEYED, 'AlreadyRunning', 'NoVectors', 'ModelNotInDataset', 'TemporalUnavailable', ...CHANGE),
  },
});

export const listRoute = createRoute({
  method: 'get',
  path: '/api/datasets/{dataset}/duplicates',
  operationId: 'listDuplicates',
  tags,
  summary: 'Groups of duplicates',
  description:
    'The groups that the last search has found. A sample that is missing, was removed, or whose file has changed since is left out, and so is a group with one member left.',
  request: { params: datasetParameter, query: duplicatesQuery },
  responses: { 200: json(duplicatePage, 'A page of groups.'), ...problems('InvalidInput', ...ONE) },
});

export const keepOneRoute = createRoute({
  method: 'post',
  path: '/api/datasets/{dataset}/duplicates/keep-one',
  operationId: 'keepOneDuplicate',
  tags,
  summary: 'Tag all members of each group but the one to keep',
  description:
    'The one to keep has the most pixels, then the most bytes, then the lowest number; it loses the tag if it has it. At most 1,000 groups a request: `next` says where to go on. A repeated request changes nothing.',
  request: { params: datasetParameter, body: { ...body(keepOneBody), required: false } },
  responses: { 200: json(keptOne, 'What was done.'), ...problems(...CHANGE) },
});
