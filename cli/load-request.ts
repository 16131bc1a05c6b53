import type { LoadDatasetRequest } from '../workflows/contract.ts';

/** The workflow's input for what the command line asks; what it leaves out keeps the contract's defaults. */
export function requestOf(options: {
  dataset: string;
  source: string;
  embed: boolean;
  model?: string | undefined;
  maxFailedPercent?: number | undefined;
}): LoadDatasetRequest {
  const { dataset, source, embed, model, maxFailedPercent } = options;
  return {
    dataset,
    source,
    embed,
    ...(model === undefined ? {} : { model }),
    ...(maxFailedPercent === undefined ? {} : { max_failed_percent: maxFailedPercent }),
  };
}
