import { type ConnectionLike, isGrpcServiceError } from '@temporalio/client';
import { until } from './patience.ts';

const NOT_FOUND = 5;

/** Registers a namespace and waits until the server accepts calls for it, which takes a while. */
export async function registerNamespace({ workflowService }: ConnectionLike, namespace: string): Promise<void> {
  await workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
  });
  await until(() =>
    workflowService.listWorkflowExecutions({ namespace, pageSize: 1 }).then(
      () => true,
      (error: unknown) => {
        if (isGrpcServiceError(error) && error.code === NOT_FOUND) return false;
        throw error;
      },
    ),
  );
}
