import { join } from 'node:path';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NAMESPACE } from './temporal-server.ts';

/** The servers that the user's environment names; undefined for a server that runs locally. */
export interface ExternalServers {
  mongodbUri: string | undefined;
  temporal: { address: string; namespace: string } | undefined;
}

/** Reads MONGODB_URI and Temporal's own variables (TEMPORAL_ADDRESS, or a profile of its configuration file). */
export function externalServers(env: NodeJS.ProcessEnv): ExternalServers {
  return { mongodbUri: env.MONGODB_URI || undefined, temporal: externalTemporal(env) };
}

function externalTemporal(env: NodeJS.ProcessEnv): ExternalServers['temporal'] {
  // A configuration file alone is not enough: its default profile is often a company's cluster.
  if (!env.TEMPORAL_ADDRESS && !env.TEMPORAL_PROFILE) return undefined;
  const { connectionOptions, namespace } = temporalConnection(env);
  return { address: connectionOptions.address ?? '127.0.0.1:7233', namespace: namespace ?? NAMESPACE };
}

/** The connection settings that Temporal's own tools would use with this environment. */
export function temporalConnection(env: NodeJS.ProcessEnv): ReturnType<typeof loadClientConnectConfig> {
  return loadClientConnectConfig({ overrideEnvVars: definedOf(env) });
}

/** The environment of a worker or a client that uses these servers. */
export function environmentFor(
  env: NodeJS.ProcessEnv,
  servers: {
    dataDir: string;
    mongodbUri: string;
    temporalAddress: string;
    temporalNamespace: string;
    external: ExternalServers;
  },
): NodeJS.ProcessEnv {
  if (servers.external.temporal) return { ...env, MONGODB_URI: servers.mongodbUri };
  // Keys, certificates and profiles for another cluster would break the connection to the local one.
  const others = Object.entries(env).filter(([name]) => !name.startsWith('TEMPORAL_'));
  return {
    ...Object.fromEntries(others),
    MONGODB_URI: servers.mongodbUri,
    TEMPORAL_ADDRESS: servers.temporalAddress,
    TEMPORAL_NAMESPACE: servers.temporalNamespace,
    // Name a missing file, so that the default one in the home folder is not read. An empty value is refused.
    TEMPORAL_CONFIG_FILE: join(servers.dataDir, 'temporal.toml'),
  };
}

function definedOf(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
