import { ApplicationFailure } from '@temporalio/workflow';
import type { z } from 'zod';
import type { FailureCode } from '../contract/failures.ts';
import { parseInWords, sentenceOf } from '../contract/faults-in-words.ts';

/** Fails the workflow at once, naming each field that is wrong, also when it was started by Temporal's own CLI. */
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
