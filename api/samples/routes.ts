import { createRoute } from '@hono/zod-openapi';
import { body, GUARDED, json, problems, STORED, WITH_BODY } from '../http/answers.ts';
import { datasetParameter, sampleParameters } from '../schemas/parameters.ts';
import {
  neighbors,
  sampleDetail,
  sampleFilterQuery,
  samplePage,
  samplesQuery,
  tagBody,
  tagged,
} from '../schemas/samples.ts';

const tags = ['Samples'];
const LIST = ['InvalidParameter', 'ScopeMissing', 'DatasetNotFound', ...GUARDED, ...STORED] as const;
const ONE = ['InvalidParameter', 'DatasetNotFound', 'SampleNotFound', ...GUARDED, ...STORED] as const;

export const listRoute = createRoute({
  method: 'get',
  path: '/api/datasets/{dataset}/samples',
  operationId: 'listSamples',
  tags,
  summary: "A page of a dataset's samples",
  description:
    'In the order of `sort`, also while a load is running. By numbers, one filter of status, tag, format or error alone, or none, costs what the page does. Other filters look through at most 5,000 samples a request: such a page may hold fewer samples than asked for, and have a next one.',
  request: { params: datasetParameter, query: samplesQuery },
  responses: { 200: json(samplePage, 'A page of samples.'), ...problems('SampleNotFound', ...LIST) },
});

export const getRoute = createRoute({
  method: 'get',
  path: '/api/datasets/{dataset}/samples/{seq}',
  operationId: 'getSample',
  tags,
  summary: 'A sample',
  request: { params: sampleParameters },
  responses: { 200: json(sampleDetail, 'The sample.'), ...problems(...ONE) },
});

export const neighborsRoute = createRoute({
  method: 'get',
  path: '/api/datasets/{dataset}/samples/{seq}/neighbors',
  operationId: 'getNeighbors',
  tags,
  summary: 'The samples before and behind one',
  description:
    'Of those that pass the filter. The sample itself need not be there. At most 100,000 samples are looked through on each side.',
  request: { params: sampleParameters, query: sampleFilterQuery },
  responses: { 200: json(neighbors, 'The neighbours.'), ...problems(...LIST) },
});

export const tagRoute = createRoute({
  method: 'post',
  path: '/api/datasets/{dataset}/tags',
  operationId: 'tagSamples',
  tags,
  summary: 'Tag samples',
  description:
    'Adds tags to samples, or removes them, by the numbers of the samples or for all that pass a filter. By a filter, at most 10,000 samples a request: `next` says where to go on.',
  request: { params: datasetParameter, body: body(tagBody) },
  responses: { 200: json(tagged, 'What was done.'), ...problems(...LIST, ...WITH_BODY) },
});
