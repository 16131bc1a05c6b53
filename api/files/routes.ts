import { createRoute } from '@hono/zod-openapi';
import { GUARDED, problems, STORED } from '../http/answers.ts';
import { sampleParameters } from '../schemas/parameters.ts';
import { fileQuery, thumbnailQuery } from '../schemas/samples.ts';

const tags = ['Samples'];
const ONE = [
  'InvalidParameter',
  'DatasetNotFound',
  'SampleNotFound',
  'FileOutsideRoots',
  ...GUARDED,
  ...STORED,
] as const;
const binary = { schema: { type: 'string' as const, format: 'binary' } };
/** All that a file may be sent as. */
const files = { 'image/*': binary, 'text/*': binary, 'application/*': binary };

export const fileRoute = createRoute({
  method: 'get',
  path: '/api/datasets/{dataset}/samples/{seq}/file',
  operationId: 'getFile',
  tags,
  summary: "A sample's file, as it is",
  description:
    'With ranges (`Range`, `If-Range`) and a strong `ETag`. An SVG, HTML, an archive, and text with markup comes as an attachment; nothing that a file holds runs here. A file that was not read as this sample is refused: one that indexing could not read (`FileNotRead`), and one that has changed since, unless it can be drawn as a picture as it is now (`FileChanged`).',
  request: { params: sampleParameters, query: fileQuery },
  responses: {
    200: { description: 'The file.', content: files },
    206: {
      description: 'The range that was asked for.',
      content: files,
    },
    304: { description: 'It is the one that the caller has.' },
    ...problems('FileNotRead', 'FileChanged', 'FileGone', 'RangeNotSatisfiable', ...ONE),
  },
});

const failed = problems('ThumbnailFailed')[422];

export const thumbnailRoute = createRoute({
  method: 'get',
  path: '/api/datasets/{dataset}/samples/{seq}/thumbnail',
  operationId: 'getThumbnail',
  tags,
  summary: 'A picture of a sample',
  description:
    'WebP, turned as it is to be seen. Of a file that can not be drawn it answers 422 with a picture that says so, and the reason in `Plimsoll-Reason`; to who asks for JSON, with the problem. Documents have no pictures (`no_picture`).',
  request: { params: sampleParameters, query: thumbnailQuery },
  responses: {
    200: { description: 'The picture.', content: { 'image/webp': binary } },
    304: { description: 'It is the one that the caller has.' },
    ...problems(...ONE),
    422: {
      description: `${failed?.description ?? ''} \`Plimsoll-Reason\` says why.`,
      content: { 'image/svg+xml': binary, ...failed?.content },
    },
  },
});
