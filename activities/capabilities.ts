import { EMBEDDING_TASK_QUEUE } from '../contract/names.ts';

/** Settings of the worker that began a job, as its workflow needs them. */
export interface Capabilities {
  /** Whether the namespace has Plimsoll's search attributes. */
  search_attributes: boolean;
  /** Task queue of inference unless the input names one. */
  embed_task_queue: string;
}

export interface CapabilityDependencies {
  /** Whether this namespace has Plimsoll's search attributes. */
  searchAttributes: () => Promise<boolean>;
  /** Task queue of inference when an input names none; default `plimsoll-gpu`. */
  embedTaskQueue?: string | undefined;
}

/** Reads the capabilities; waits until the worker knows whether the search attributes are registered. */
export async function capabilitiesOf({
  searchAttributes,
  embedTaskQueue,
}: CapabilityDependencies): Promise<Capabilities> {
  return { search_attributes: await searchAttributes(), embed_task_queue: embedTaskQueue ?? EMBEDDING_TASK_QUEUE };
}
