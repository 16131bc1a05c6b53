import { UserError } from '../core/errors.ts';

/**
 * Refuses a job whose Workflow ID is not the expected one. The ID alone keeps two jobs of a dataset from running at the
 * same time, and a workflow that is started by hand can have any ID.
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
