import { EMBEDDING_TASK_QUEUE } from '../contract/names.ts';

/** What a workflow has to know of the worker that began its job. */
export interface Capabilities {
  search_attributes: boolean;
  /** Where inference runs unless the input says. */
  embed_task_queue: string;
}

export interface CapabilityDependencies {
  /** Whether this namespace has Plimsoll's search attributes. */
  searchAttributes: () => Promise<boolean>;
  /** Task queue of inference where an input names none; `plimsoll-gpu` if left out. */
  embedTaskQueue?: string | undefined;
}

export async function capabilitiesOf({
  searchAttributes,
  embedTaskQueue,
}: CapabilityDependencies): Promise<Capabilities> {
  return { search_attributes: await searchAttributes(), embed_task_queue: embedTaskQueue ?? EMBEDDING_TASK_QUEUE };
}
