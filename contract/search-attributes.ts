import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

/** Makes jobs filterable on Temporal's page: `PlimsollDataset = "cats" AND PlimsollPhase = "embedding"`. */
export const datasetAttribute = defineSearchAttributeKey('PlimsollDataset', SearchAttributeType.KEYWORD);
export const phaseAttribute = defineSearchAttributeKey('PlimsollPhase', SearchAttributeType.KEYWORD);
