import { Connection } from '@temporalio/client';
import { EMBEDDING_TASK_QUEUE, INDEXING_TASK_QUEUE } from '../../contract/names.ts';
import { temporalConnection } from '../../local/environment.ts';
import { registrationCommand, SEARCH_ATTRIBUTES } from '../../temporal/search-attributes.ts';
import { type Check, ok, problem, warning } from './check.ts';
import { checkWorkers } from './check-workers.ts';

const CONNECT_WITHIN_MS = 5000;
const NOT_FOUND = 5;

/** Whether Temporal answers, its version, its namespace, its search attributes, and the workers of the task queues. */
export async function checkTemporal(env: NodeJS.ProcessEnv, address: string, namespace: string): Promise<Check[]> {
  let connection: Connection;
  try {
    const { connectionOptions } = temporalConnection(env);
    connection = await Connection.connect({ ...connectionOptions, connectTimeout: CONNECT_WITHIN_MS });
  } catch (error) {
    return [
      problem(
        'Temporal',
        `no answer at ${address}: ${(error as Error).message}`,
        'Start the local stack with "plimsoll up", or set TEMPORAL_ADDRESS to the server to use.',
      ),
    ];
  }
  try {
    const { serverVersion } = await connection.workflowService.getSystemInfo({});
    const server = ok('Temporal', `server ${serverVersion} at ${address}`);
    const found = await checkNamespace(connection, namespace);
    if (found.state === 'problem') return [server, found];
    return [
      server,
      found,
      await checkSearchAttributes(connection, namespace),
      await checkWorkers(connection, namespace, {
        name: 'Indexing workers',
        role: 'indexing',
        queue: INDEXING_TASK_QUEUE,
      }),
      await checkWorkers(connection, namespace, {
        name: 'Embedding workers',
        role: 'embedding',
        queue: EMBEDDING_TASK_QUEUE,
      }),
    ];
  } finally {
    await connection.close();
  }
}

async function checkNamespace(connection: Connection, namespace: string): Promise<Check> {
  try {
    await connection.workflowService.describeNamespace({ namespace });
    return ok('Namespace', namespace);
  } catch (error) {
    const { code, message } = error as { code?: number; message: string };
    if (code === NOT_FOUND)
      return problem(
        'Namespace',
        `there is no namespace ${namespace}`,
        `Create it: temporal operator namespace create -n ${namespace}, or set TEMPORAL_NAMESPACE.`,
      );
    return problem('Namespace', `${namespace}: ${message}`, 'Check the address, the API key or the certificate.');
  }
}

async function checkSearchAttributes(connection: Connection, namespace: string): Promise<Check> {
  const name = 'Search attributes';
  const { address } = connection.options;
  const advice = `Jobs can't be filtered on Temporal's page without: ${registrationCommand({ namespace, address })}`;
  try {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
    const missing = SEARCH_ATTRIBUTES.filter((attribute) => !(attribute in (customAttributes ?? {})));
    if (missing.length === 0) return ok(name, SEARCH_ATTRIBUTES.join(', '));
    return warning(
      name,
      `not registered: ${missing.join(', ')}`,
      `An indexing worker registers them when it starts. ${advice}`,
    );
  } catch (error) {
    return warning(name, `can't be listed: ${(error as Error).message}`, advice);
  }
}
