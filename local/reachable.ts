import { Connection } from '@temporalio/client';
import { MongoClient } from 'mongodb';
import { type ExternalServers, temporalConnection } from './environment.ts';
import { type LocalErrorCode, LocalStackError, reasonOf } from './errors.ts';
import type { Report } from './report.ts';

const ANSWER_WITHIN_MS = 5_000;

/**
 * Checks that the servers named by the environment answer, so that a wrong address fails here and not in a worker
 * later.
 * @throws LocalStackError MongoDBUnreachable, TemporalUnreachable
 */
export async function checkExternalServers(
  external: ExternalServers,
  env: NodeJS.ProcessEnv,
  report: Report,
): Promise<void> {
  if (external.mongodbUri) {
    await checkMongodb(external.mongodbUri);
    report('uses the MongoDB of MONGODB_URI');
  }
  if (external.temporal) {
    await checkTemporal(external.temporal, env);
    report(`uses the Temporal server at ${external.temporal.address}, namespace ${external.temporal.namespace}`);
  }
}

async function checkMongodb(uri: string): Promise<void> {
  try {
    const client = new MongoClient(uri, { serverSelectionTimeoutMS: ANSWER_WITHIN_MS });
    await client
      .db('admin')
      .command({ ping: 1 })
      .finally(() => client.close());
  } catch (error) {
    // The connection string may contain a password, so it is not shown.
    throw unreachable('MongoDBUnreachable', 'The MongoDB of MONGODB_URI does not answer', error, 'MONGODB_URI');
  }
}

async function checkTemporal(
  { address, namespace }: NonNullable<ExternalServers['temporal']>,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  try {
    const { connectionOptions } = temporalConnection(env);
    const connection = await Connection.connect({ ...connectionOptions, connectTimeout: ANSWER_WITHIN_MS });
    await connection.workflowService.describeNamespace({ namespace }).finally(() => connection.close());
  } catch (error) {
    throw unreachable(
      'TemporalUnreachable',
      `The Temporal server at ${address} (namespace ${namespace}) does not answer`,
      error,
      'TEMPORAL_ADDRESS',
    );
  }
}

function unreachable(code: LocalErrorCode, what: string, error: unknown, variable: string): LocalStackError {
  const message = `${what}: ${reasonOf(error)}. Correct ${variable}, or unset it to run a local one.`;
  return new LocalStackError(code, message, { cause: error });
}
