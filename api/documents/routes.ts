import { createRoute } from '@hono/zod-openapi';
import { GUARDED, json, problems, STORED } from '../http/answers.ts';
import { documentPage, documentQuery } from '../schemas/documents.ts';
import { sampleParameters } from '../schemas/parameters.ts';

export const documentRoute = createRoute({
  method: 'get',
  path: '/api/datasets/{dataset}/samples/{seq}/document',
  operationId: 'getDocument',
  tags: ['Samples'],
  summary: 'The document that a sample belongs to',
  description:
    "The chunks of the sample's file in their order: a page of them around the sample, or from a part on. Only what the file held when it was last indexed. A chunk may begin with what the chunk before ends with: `start` and `end` tell. If the sample is not in the file any more, the page is the document's first one.",
  request: { params: sampleParameters, query: documentQuery },
  responses: {
    200: json(documentPage, 'Chunks of the document.'),
    ...problems('InvalidParameter', 'DatasetNotFound', 'SampleNotFound', 'NoDocument', ...GUARDED, ...STORED),
  },
});
