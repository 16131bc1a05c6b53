import { createRoute } from '@hono/zod-openapi';
import { body, GUARDED, json, KEYED, problems, STORED, WITH_BODY } from '../http/answers.ts';
import { annotateBody, classList } from '../schemas/annotations.ts';
import {
  dataset,
  datasetList,
  datasetModels,
  datasetsQuery,
  embedBody,
  forgetBody,
  importBody,
  indexBody,
  relocateBody,
  removalPreview,
  removalQuery,
  servingBody,
  tagCounts,
  usedModel,
} from '../schemas/datasets.ts';
import { exportBody } from '../schemas/exports.ts';
import { startedJob, startQuery } from '../schemas/jobs.ts';
import { datasetParameter, modelParameters, startHeaders } from '../schemas/parameters.ts';

const tags = ['Datasets'];
const ONE = ['InvalidParameter', 'DatasetNotFound', ...GUARDED, ...STORED] as const;
const JOB = [...KEYED, 'OriginRefused', 'ScopeMissing', 'AlreadyRunning', 'TemporalUnavailable', ...ONE] as const;

const REMOVAL = {
  200: json(removalPreview, 'With `dry_run`: what it would remove.'),
  202: json(startedJob, 'The job.'),
  ...problems(...JOB, ...WITH_BODY),
};

export const listRoute = createRoute({
  method: 'get',
  path: '/api/datasets',
  operationId: 'listDatasets',
  tags,
  summary: 'Datasets',
  request: { query: datasetsQuery },
  responses: { 200: json(datasetList, 'A page of datasets.'), ...problems(...GUARDED, ...STORED) },
});

export const getRoute = createRoute({
  method: 'get',
  path: '/api/datasets/{dataset}',
  operationId: 'getDataset',
  tags,
  summary: 'A dataset',
  request: { params: datasetParameter },
  responses: { 200: json(dataset, 'The dataset.'), ...problems(...ONE) },
});

export const deleteRoute = createRoute({
  method: 'delete',
  path: '/api/datasets/{dataset}',
  operationId: 'deleteDataset',
  tags,
  summary: 'Delete a dataset',
  description:
    'Starts a job that deletes its samples and vectors. Its files, and the records of its jobs, stay; schedules that would load it again are paused.',
  request: { params: datasetParameter, query: removalQuery, headers: startHeaders },
  responses: REMOVAL,
});

export const pruneRoute = createRoute({
  method: 'post',
  path: '/api/datasets/{dataset}/prune',
  operationId: 'pruneDataset',
  tags,
  summary: 'Delete the samples whose files are missing',
  request: { params: datasetParameter, query: removalQuery, headers: startHeaders },
  responses: REMOVAL,
});

export const relocateRoute = createRoute({
  method: 'post',
  path: '/api/datasets/{dataset}/relocate',
  operationId: 'relocateDataset',
  tags,
  summary: 'Follow files that were moved to another folder',
  description:
    'Starts a job that gives the samples below a folder their new paths. They keep their numbers, tags and vectors. ' +
    'Load the new folder once afterwards.',
  request: { params: datasetParameter, query: startQuery, headers: startHeaders, body: body(relocateBody) },
  responses: {
    202: json(startedJob, 'The job.'),
    ...problems('SourceOutsideRoots', 'FolderNotInDataset', 'FoldersOverlap', ...JOB, ...WITH_BODY),
  },
});

export const forgetRoute = createRoute({
  method: 'post',
  path: '/api/datasets/{dataset}/forget',
  operationId: 'forgetSource',
  tags,
  summary: 'Delete the samples below a folder',
  description:
    'Starts a job that deletes the samples below a folder, and their vectors. The files stay, and need not be there.',
  request: { params: datasetParameter, query: removalQuery, headers: startHeaders, body: body(forgetBody) },
  responses: {
    200: json(removalPreview, 'With `dry_run`: what it would remove.'),
    202: json(startedJob, 'The job.'),
    ...problems('FolderNotInDataset', ...JOB, ...WITH_BODY),
  },
});

export const annotateRoute = createRoute({
  method: 'post',
  path: '/api/datasets/{dataset}/annotate',
  operationId: 'annotateDataset',
  tags,
  summary: 'Read annotations into a dataset, or remove a field of them',
  description:
    'Starts a job that gives the samples of a dataset their annotations. It reads no image and touches no vector. What is the same already is left as it is.',
  request: { params: datasetParameter, query: startQuery, headers: startHeaders, body: body(annotateBody) },
  responses: { 202: json(startedJob, 'The job.'), ...problems('SourceOutsideRoots', ...JOB, ...WITH_BODY) },
});

export const exportRoute = createRoute({
  method: 'post',
  path: '/api/datasets/{dataset}/export',
  operationId: 'exportDataset',
  tags,
  summary: 'Write a dataset with its annotations to a folder',
  description:
    "Starts a job that writes the samples of a dataset, with their annotations or vectors, to a folder on the indexing worker's machine. Loads, and exports to other folders, may run beside it.",
  request: { params: datasetParameter, query: startQuery, headers: startHeaders, body: body(exportBody) },
  responses: {
    202: json(startedJob, 'The job.'),
    ...problems('SourceOutsideRoots', 'NoVectors', 'ModelNotInDataset', ...JOB, ...WITH_BODY),
  },
});

export const importRoute = createRoute({
  method: 'post',
  path: '/api/datasets/{dataset}/vectors',
  operationId: 'importVectors',
  tags,
  summary: "Give the samples of a dataset vectors of the caller's own",
  description:
    'Starts a job that reads a .npy, .parquet or .jsonl file on the indexing worker. Rows that can not be used are left out and counted. It reads no sample, and vectors of other models stay.',
  request: { params: datasetParameter, query: startQuery, headers: startHeaders, body: body(importBody) },
  responses: { 202: json(startedJob, 'The job.'), ...problems('SourceOutsideRoots', ...JOB, ...WITH_BODY) },
});

export const classesRoute = createRoute({
  method: 'get',
  path: '/api/datasets/{dataset}/classes',
  operationId: 'listClasses',
  tags,
  summary: 'The classes and splits of a dataset, with how many samples and objects each has',
  request: { params: datasetParameter },
  responses: { 200: json(classList, 'The classes.'), ...problems('TooSlow', ...ONE) },
});

export const embedRoute = createRoute({
  method: 'post',
  path: '/api/datasets/{dataset}/embed',
  operationId: 'embedDataset',
  tags,
  summary: 'Embed a dataset with a model',
  request: {
    params: datasetParameter,
    query: startQuery,
    headers: startHeaders,
    body: { ...body(embedBody), required: false },
  },
  responses: { 202: json(startedJob, 'The job.'), ...problems(...JOB, ...WITH_BODY) },
});

export const modelsRoute = createRoute({
  method: 'get',
  path: '/api/datasets/{dataset}/models',
  operationId: 'listDatasetModels',
  tags,
  summary: 'The models that have vectors in a dataset, and which one serves',
  description: 'Counted now, so while a model embeds the dataset, it is in the list with what it has.',
  request: { params: datasetParameter },
  responses: { 200: json(datasetModels, 'The models.'), ...problems(...ONE) },
});

export const servingRoute = createRoute({
  method: 'put',
  path: '/api/datasets/{dataset}/serving',
  operationId: 'chooseServingModel',
  tags,
  summary: 'Choose the model that serves searches',
  description:
    'Searches that name no model use this one from now on. It needs not be complete: compare `embedded` with `indexed`.',
  request: { params: datasetParameter, body: body(servingBody) },
  responses: {
    200: json(usedModel, 'The models, with the one that serves now.'),
    ...problems(
      'OriginRefused',
      'ScopeMissing',
      'NoVectors',
      'ModelNotInDataset',
      'DatasetBeingDeleted',
      'AlreadyRunning',
      ...ONE,
      ...WITH_BODY,
    ),
  },
});

export const indexRoute = createRoute({
  method: 'post',
  path: '/api/datasets/{dataset}/index',
  operationId: 'indexVectors',
  tags,
  summary: 'Build the search index anew',
  description:
    'The index before serves until the new one is published. Searches find what is newer than the index, too.',
  request: {
    params: datasetParameter,
    query: startQuery,
    headers: startHeaders,
    body: { ...body(indexBody), required: false },
  },
  responses: { 202: json(startedJob, 'The job.'), ...problems(...JOB, 'NoVectors', 'ModelNotInDataset', ...WITH_BODY) },
});

export const dropRoute = createRoute({
  method: 'delete',
  path: '/api/datasets/{dataset}/models/{key}',
  operationId: 'dropModel',
  tags,
  summary: "Remove a model's vectors",
  description:
    "Starts a job that removes the model's vectors from the dataset. The samples, and the vectors of other models, stay. The model that serves is refused while another one has vectors.",
  request: { params: modelParameters, query: removalQuery, headers: startHeaders },
  responses: {
    200: json(removalPreview, 'With `dry_run`: what it would remove.'),
    202: json(startedJob, 'The job.'),
    ...problems('ModelNotInDataset', 'ModelServes', ...JOB, ...WITH_BODY),
  },
});

export const tagsRoute = createRoute({
  method: 'get',
  path: '/api/datasets/{dataset}/tags',
  operationId: 'listTags',
  tags,
  summary: 'The tags of a dataset, with how many samples have each',
  request: { params: datasetParameter },
  responses: { 200: json(tagCounts, 'The tags.'), ...problems('TooSlow', ...ONE) },
});
