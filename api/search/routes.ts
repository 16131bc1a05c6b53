import { createRoute, z } from '@hono/zod-openapi';
import { GUARDED, json, problems, STORED, WITH_BODY } from '../http/answers.ts';
import { datasetParameter, sampleParameters } from '../schemas/parameters.ts';
import { hits, searchBody, searchQuery } from '../schemas/search.ts';

const tags = ['Search'];
const SEARCH = [
  'InvalidParameter',
  'ScopeMissing',
  'DatasetNotFound',
  'NoVectors',
  'ModelNotInDataset',
  'SampleNotFound',
  'SampleWithoutVector',
  'SearchUnavailable',
  'TooSlow',
  ...GUARDED,
  ...STORED,
] as const;

const picture = { schema: z.string().meta({ format: 'binary' }) };

export const searchRoute = createRoute({
  method: 'post',
  path: '/api/datasets/{dataset}/search',
  operationId: 'searchSamples',
  tags,
  summary: 'The samples nearest to words, a vector, a sample or a picture',
  description:
    'By cosine, best first, also while an embedding is running: the vectors that are stored are searched. A JSON body has one query, and no parameters beside it. A body of another type is a picture of at most 32 MiB, with the rest as parameters. 10,000 hits at most can be paged through. Words and pictures need the files of the model on this server, at the revision that is searched.',
  request: {
    params: datasetParameter,
    query: searchQuery,
    body: {
      required: true,
      content: { 'application/json': { schema: searchBody }, 'image/*': picture, 'application/octet-stream': picture },
    },
  },
  responses: {
    200: json(hits, 'The nearest samples.'),
    ...problems(
      ...SEARCH,
      ...WITH_BODY,
      'InvalidVector',
      'PictureUnreadable',
      'ModelHasNoText',
      'ModelNotHere',
      'InferenceUnavailable',
    ),
  },
});

export const similarRoute = createRoute({
  method: 'get',
  path: '/api/datasets/{dataset}/samples/{seq}/similar',
  operationId: 'findSimilar',
  tags,
  summary: 'The samples that are like one',
  description: 'By its stored vector, without the sample itself. Its file need not be there any more.',
  request: { params: sampleParameters, query: searchQuery },
  responses: { 200: json(hits, 'The nearest samples.'), ...problems(...SEARCH) },
});
