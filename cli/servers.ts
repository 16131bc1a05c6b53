import { dirname, join, resolve } from 'node:path';
import { withoutPassword } from '../client/connect.ts';
import { UserError } from '../core/errors.ts';
import { type ExternalServers, environmentFor, externalServers } from '../local/environment.ts';
import { type RunningStack, readStack } from '../local/stack-file.ts';
import { NAMESPACE } from '../local/temporal-server.ts';

export const DATA_DIR = '.plimsoll';

/** The servers that a command uses, and where their addresses came from. */
export interface ServerSettings {
  mongodbUri: string;
  temporalAddress: string;
  temporalNamespace: string;
  /** Temporal's web page, if it is known. */
  uiUrl: string | undefined;
  /** The environment for clients. */
  env: NodeJS.ProcessEnv;
  /** `environment`, or the stack file's path. */
  from: { mongodb: string; temporal: string };
  /** Whether the workers run on this machine and see the same files. */
  local: boolean;
  /** The variables of a local stack's workers that configure webhooks. */
  webhookEnv: NodeJS.ProcessEnv | undefined;
  /** The folders in which a local stack's workers look for models. */
  modelFolders: readonly string[] | undefined;
  /** The token of the local stack's API. */
  apiToken: string | undefined;
}

export interface FindServersOptions {
  /** The data folder that the command line names. */
  dataDir?: string | undefined;
  cwd?: string | undefined;
  env?: NodeJS.ProcessEnv | undefined;
}

/**
 * Finds the servers. A named data folder's stack comes first, then the environment, then the stack of PLIMSOLL_DATA, or
 * one that runs in this folder or one above.
 *
 * @throws UserError NoServers
 */
export async function findServers(options: FindServersOptions): Promise<ServerSettings> {
  const located = await locate(options);
  const { mongodb, temporal, env, dataDir, uiUrl, webhookEnv, modelFolders, apiToken } = located;
  if (mongodb === undefined || temporal === undefined) throw noServers(located);
  const addresses = {
    mongodbUri: mongodb.uri,
    temporalAddress: temporal.address,
    temporalNamespace: temporal.namespace,
  };
  return {
    ...addresses,
    uiUrl,
    env: environmentFor(env, {
      dataDir,
      ...addresses,
      external: { mongodbUri: undefined, temporal: temporal.external },
    }),
    from: { mongodb: mongodb.from, temporal: temporal.from },
    local: temporal.external === undefined,
    webhookEnv: temporal.external === undefined ? webhookEnv : undefined,
    modelFolders: temporal.external === undefined ? modelFolders : undefined,
    apiToken,
  };
}

/** The connection string alone, for commands that only read what is stored. @throws UserError NoServers */
export async function findMongodb(options: FindServersOptions): Promise<string> {
  const located = await locate(options);
  if (located.mongodb === undefined) throw noServers(located);
  return located.mongodb.uri;
}

/** Known facts of each server. A server that nothing names is undefined. */
export interface Located {
  mongodb: { uri: string; from: string } | undefined;
  temporal: { address: string; namespace: string; from: string; external: ExternalServers['temporal'] } | undefined;
  uiUrl: string | undefined;
  /** The page and the HTTP API of the stack. */
  apiUrl: string | undefined;
  /** The token that the stack's API asks for; undefined if it has others, or needs none. */
  apiToken: string | undefined;
  /** The variables of the stack's workers that configure webhooks. */
  webhookEnv: NodeJS.ProcessEnv | undefined;
  /** The folders in which the stack's workers look for models. */
  modelFolders: readonly string[] | undefined;
  dataDir: string;
  env: NodeJS.ProcessEnv;
}

/** @throws UserError NoServers if no stack runs in the named folder */
export async function locate({
  dataDir,
  cwd = process.cwd(),
  env = process.env,
}: FindServersOptions): Promise<Located> {
  const named = dataDir !== undefined;
  const chosen = dataDir ?? (env.PLIMSOLL_DATA || undefined);
  const stack = chosen === undefined ? await stackAbove(cwd) : await stackIn(resolve(cwd, chosen));
  if (named && stack === undefined)
    throw new UserError(
      'NoServers',
      `No stack runs in ${resolve(cwd, dataDir)}. Start it: plimsoll up --data ${dataDir}`,
    );

  const external = named ? { mongodbUri: undefined, temporal: undefined } : externalServers(env);
  const ofStack = stack && { from: stack.file, record: stack.record };
  return {
    mongodb: external.mongodbUri
      ? { uri: external.mongodbUri, from: 'environment' }
      : ofStack && { uri: ofStack.record.mongodbUri, from: ofStack.from },
    temporal: external.temporal
      ? { ...external.temporal, from: 'environment', external: external.temporal }
      : ofStack && {
          address: ofStack.record.temporalAddress,
          namespace: ofStack.record.temporalNamespace ?? NAMESPACE,
          from: ofStack.from,
          external: undefined,
        },
    uiUrl: external.temporal ? env.TEMPORAL_UI_URL : ofStack?.record.uiUrl,
    apiUrl: ofStack?.record.apiUrl,
    apiToken: ofStack?.record.apiToken,
    webhookEnv: ofStack?.record.webhookEnv,
    modelFolders: ofStack?.record.modelFolders,
    dataDir: stack?.dataDir ?? resolve(cwd, chosen ?? DATA_DIR),
    env,
  };
}

interface FoundStack {
  dataDir: string;
  file: string;
  record: RunningStack;
}

async function stackIn(dataDir: string): Promise<FoundStack | undefined> {
  const record = await readStack(dataDir);
  return record && { dataDir, file: join(dataDir, 'stack.json'), record };
}

async function stackAbove(folder: string): Promise<FoundStack | undefined> {
  const parent = dirname(folder);
  return (await stackIn(join(folder, DATA_DIR))) ?? (parent === folder ? undefined : stackAbove(parent));
}

function noServers({ mongodb, temporal, dataDir, env }: Located): UserError {
  const [mongodbUri, temporalAddress] = [mongodb?.uri, temporal?.address];
  const other =
    mongodbUri !== undefined
      ? `MONGODB_URI names ${withoutPassword(mongodbUri)}, but no Temporal server is known: set TEMPORAL_ADDRESS, or start one`
      : temporalAddress !== undefined
        ? `A Temporal server is known (${temporalAddress}), but no MongoDB: set MONGODB_URI, or start one`
        : `No stack runs in ${env.PLIMSOLL_DATA ? dataDir : 'this folder or one above'}. Start one`;
  return new UserError(
    'NoServers',
    `${other}, in another terminal: plimsoll up. To use your own servers, set MONGODB_URI and TEMPORAL_ADDRESS.`,
  );
}
