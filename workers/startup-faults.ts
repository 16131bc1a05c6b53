import { TransportError } from '@temporalio/worker';
import { MongoParseError, MongoServerSelectionError } from 'mongodb';
import { withoutPassword } from '../client/connect.ts';
import { UserError } from '../core/errors.ts';

/** Describes why a worker did not start: a sentence for errors that the operator can correct, else the stack. */
export function startupFault(error: unknown, { mongodbUri, address }: { mongodbUri: string; address: string }): string {
  if (error instanceof UserError) return error.message;
  if (error instanceof MongoParseError) return `MONGODB_URI can't be used: ${error.message}`;
  if (error instanceof MongoServerSelectionError)
    return `MongoDB does not answer at ${withoutPassword(mongodbUri)} (${error.message}). Start it, or set MONGODB_URI to the replica set to use.`;
  if (error instanceof TransportError)
    return `Temporal does not answer at ${address}${reasonIn(error.message)}. Start it, or set TEMPORAL_ADDRESS to the server to use.`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** Extracts the system's message from the dump of an error in Temporal's native core. */
function reasonIn(dump: string): string {
  const words = /message: "([^"]+)"/.exec(dump)?.[1];
  return words === undefined ? '' : `: ${words}`;
}
