import { ApplicationFailure } from '@temporalio/workflow';
import type { z } from 'zod';

/** Fails the workflow at once, naming each field that is wrong, also when it was started by Temporal's own CLI. */
export function parseInput<T extends z.ZodType>(schema: T, input: unknown): z.output<T> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => ({
    field: issue.path.join('.') || '(input)',
    message: issue.message,
  }));
  throw ApplicationFailure.create({
    type: 'InvalidInput',
    nonRetryable: true,
    message: faults.map(({ field, message }) => `${field}: ${message}`).join('; '),
    details: [faults],
  });
}
