import { UserError } from '../core/errors.ts';

/**
 * Refuses a job under another Workflow ID than its own: Temporal keeps jobs of a dataset apart by that alone, and whoever starts
 * a workflow by hand can give it any.
 *
 * @throws UserError InvalidInput
 */
export function requireWorkflowId(workflowId: string, expected: string): void {
  if (workflowId === expected) return;
  throw new UserError(
    'InvalidInput',
    `The Workflow ID "${workflowId}" is not this job's: start it under ${expected}, which keeps it to one at a time.`,
  );
}
