import { ApplicationFailure, log, workflowInfo } from '@temporalio/workflow';
import type { z } from 'zod';
import type { FailureCode } from '../contract/failures.ts';
import { parseInWords, sentenceOf } from '../contract/faults-in-words.ts';
import { failureOf } from './failures.ts';

/**
 * Parses the input that starts a workflow, and refuses what no run of it may have.
 *
 * @param resume set by the workflow itself when it continues as new
 * @throws ApplicationFailure InvalidInput
 */
export function parseStart<T extends z.ZodType>(schema: T, input: unknown, resume?: unknown): z.output<T> {
  const { workflowType, cronSchedule, continuedFromExecutionRunId } = workflowInfo();
  if (cronSchedule) {
    const message = `${workflowType} can't run by --cron. Make a schedule: plimsoll schedule create --help`;
    throw failureOf('InvalidInput', message);
  }
  if (resume !== undefined && continuedFromExecutionRunId === undefined)
    throw failureOf('InvalidInput', `${workflowType} has too many inputs: it sets the last one itself.`);
  return parseInput(schema, input);
}

/** Parses a signal. Anybody may send one, and a handler that throws would block the workflow: a wrong one is logged. */
export function parseSignal<T extends z.ZodType>(schema: T, name: string, message: unknown): z.output<T> | undefined {
  const { success, data, error } = schema.safeParse(message);
  if (!success) log.warn(`A signal ${name} was ignored, because it is not one of Plimsoll's`, { error: error.message });
  return data;
}

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
