import { ApplicationFailure } from '@temporalio/workflow';
import type { z } from 'zod';
import type { FailureCode } from '../contract/failures.ts';
import { parseInWords, sentenceOf } from '../contract/faults-in-words.ts';

/**
 * Parses a workflow's input. Temporal's own CLI can start a workflow with anything, so clients' checks are not enough.
 *
 * @throws ApplicationFailure InvalidInput, which names each field that is wrong
 */
export function parseInput<T extends z.ZodType>(schema: T, input: unknown): z.output<T> {
  const parsed = parseInWords(schema, input);
  if (parsed.success) return parsed.data;
  throw ApplicationFailure.create({
    type: 'InvalidInput' satisfies FailureCode,
    nonRetryable: true,
    message: sentenceOf(parsed.faults),
    details: [parsed.faults],
  });
}
